// Made by scripts/types.mjs from the OpenAPI document of alerting.
export interface paths {
    "/api/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alert rules, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Rows a page, 1 to 1000; 100 when absent. */
                    limit?: number;
                    /** @description `next_cursor` of the page before; absent for the first. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_RuleView"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a rule, and evaluates it at once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateRuleRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RuleView"];
                    };
                };
                /** @description no such service or environment */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description the name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One rule, and where it stands for each scope that it has fired or may fire for. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["AlertRuleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RuleDetailView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a rule. Incidents that it opened and that are not over resolve; they stay in the history. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["AlertRuleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a rule and raises its version. A rule that is disabled, or looks elsewhere now, ends what it fired there. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["AlertRuleId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeRuleRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RuleView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description the name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Channels, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Rows a page, 1 to 1000; 100 when absent. */
                    limit?: number;
                    /** @description `next_cursor` of the page before; absent for the first. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_ChannelView"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a channel. From now on it is told of every incident that opens or resolves. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateChannelRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_WrittenChannelView"];
                    };
                };
                /** @description the name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes a channel and forgets its secrets. What waits for it is given up; its history stays. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ChannelId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a channel. One that is disabled is told nothing more; what waits for it is given up. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ChannelId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeChannelRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_WrittenChannelView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description the name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a test message now, also through a disabled channel, and says what the receiver answered. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ChannelId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_TestView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Incidents, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description open, acknowledged, resolved; several separated by commas. All when absent. */
                    status?: string;
                    /** @description Rows a page, 1 to 1000; 100 when absent. */
                    limit?: number;
                    /** @description `next_cursor` of the page before; absent for the first. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_IncidentView"];
                    };
                };
            };
        };
        put?: never;
        /** Opens an incident by hand. Everybody who is told of incidents is told of it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateIncidentRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IncidentView"];
                    };
                };
                /** @description no such service or environment */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/incidents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One incident with its timeline, and who was told and how that went. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["IncidentId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IncidentDetailView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Acknowledges, resolves or describes an incident. The same again changes nothing. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["IncidentId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeIncidentRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IncidentView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description it cannot go back to that status */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/incidents/{id}/notes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds a note, also to an incident that is resolved. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["IncidentId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateNoteRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_NoteView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Notifications, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description pending, claimed, sent or dead; all when absent. */
                    state?: string;
                    /** @description Those of one incident. */
                    incident_id?: components["schemas"]["IncidentId"];
                    /** @description Rows a page, 1 to 1000; 100 when absent. */
                    limit?: number;
                    /** @description `next_cursor` of the page before; absent for the first. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_NotificationView"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a notification that was given up again, with all its attempts anew. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["NotificationJobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_NotificationView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description it is not dead, or was overtaken by a later one */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/evaluate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Evaluates one rule or all of them, at once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["EvaluateRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_Swept"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** Format: uuid */
        AlertRuleId: string;
        /**
         * @description What came of one attempt.
         * @enum {string}
         */
        AttemptOutcome: "started" | "sent" | "refused" | "failed" | "unknown";
        /** @description One try to tell a channel. */
        AttemptView: {
            /**
             * Format: int32
             * @description From 1.
             */
            attempt: number;
            detail: string;
            /** Format: int32 */
            duration_ms?: number | null;
            /** Format: int32 */
            http_status?: number | null;
            outcome: components["schemas"]["AttemptOutcome"];
            /** Format: date-time */
            started_at: string;
        };
        /**
         * @description What is absent stays as it is. A new `config` replaces the old one; a webhook keeps its secret unless another is
         *     given.
         */
        ChangeChannelRequest: {
            config?: Record<string, never> | null;
            enabled?: boolean | null;
            name?: components["schemas"]["Name"] | null;
        };
        /** @description What is absent stays as it is. */
        ChangeIncidentRequest: {
            severity?: components["schemas"]["Severity"] | null;
            status?: components["schemas"]["IncidentStatus"] | null;
            title?: components["schemas"]["Name"] | null;
        };
        /** @description What is absent stays as it is; a `service_id` or `environment_id` of null widens the scope. The type stays. */
        ChangeRuleRequest: {
            /** Format: int32 */
            cooldown_seconds?: number | null;
            enabled?: boolean | null;
            /** Format: uuid */
            environment_id?: string | null;
            /** Format: int32 */
            for_seconds?: number | null;
            name?: components["schemas"]["Name"] | null;
            params?: Record<string, never> | null;
            /** Format: uuid */
            service_id?: string | null;
            severity?: components["schemas"]["Severity"] | null;
        };
        /** Format: uuid */
        ChannelId: string;
        /** @enum {string} */
        ChannelType: "slack" | "discord" | "webhook";
        ChannelView: {
            /** Format: date-time */
            created_at: string;
            enabled: boolean;
            /** @description The host of its address and the last four characters: all that is shown of the configuration. */
            hint: string;
            id: components["schemas"]["ChannelId"];
            name: string;
            type: components["schemas"]["ChannelType"];
            /** Format: date-time */
            updated_at: string;
        };
        CreateChannelRequest: {
            /**
             * @description `slack` and `discord`: {webhook_url}. `webhook`: {url, secret?}; the secret is whsec_ and base64, and is made
             *     when absent.
             */
            config: Record<string, never>;
            /** @description True when absent. */
            enabled?: boolean | null;
            name: components["schemas"]["Name"];
            type: components["schemas"]["ChannelType"];
        };
        CreateIncidentRequest: {
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            summary?: components["schemas"]["FreeText"] | null;
            title: components["schemas"]["Name"];
        };
        CreateNoteRequest: {
            text: components["schemas"]["FreeText"];
        };
        CreateRuleRequest: {
            /**
             * Format: int32
             * @description How long after firing it does not fire again, 0 to 604800; 0 when absent.
             */
            cooldown_seconds?: number;
            /** @description True when absent. */
            enabled?: boolean | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /**
             * Format: int32
             * @description How long the condition must hold before the rule fires, 0 to 86400; 0 when absent.
             */
            for_seconds?: number;
            name: components["schemas"]["Name"];
            /** @description For `error_count`: threshold (1 or more) and window_seconds (10 to 86400). For `deployment_failure`: {}. */
            params: Record<string, never>;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            type: components["schemas"]["RuleType"];
        };
        Data_IncidentDetailView: {
            /** @description An incident with its newest 500 events, oldest first, and its newest 100 notifications, newest first. */
            data: components["schemas"]["IncidentView"] & {
                notifications: components["schemas"]["NotificationDetailView"][];
                timeline: components["schemas"]["EventView"][];
            };
        };
        Data_IncidentView: {
            data: {
                /** Format: date-time */
                acknowledged_at?: string | null;
                acknowledged_by?: components["schemas"]["UserId"] | null;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                id: components["schemas"]["IncidentId"];
                /** Format: date-time */
                opened_at: string;
                /** Format: date-time */
                resolved_at?: string | null;
                resolved_by?: components["schemas"]["UserId"] | null;
                rule_id?: components["schemas"]["AlertRuleId"] | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                source: components["schemas"]["IncidentSource"];
                status: components["schemas"]["IncidentStatus"];
                summary: string;
                title: string;
                /** Format: date-time */
                updated_at: string;
            };
        };
        Data_NoteView: {
            data: {
                /** @description The note's row in the timeline. */
                id: components["schemas"]["IncidentEventId"];
                text: string;
            };
        };
        Data_NotificationView: {
            /**
             * @description One transition of one incident, told through one channel. Its id is the receiver's `webhook-id`, however often it is
             *     sent.
             */
            data: {
                /** Format: int32 */
                attempts: number;
                channel_id: components["schemas"]["ChannelId"];
                channel_name: string;
                channel_type: components["schemas"]["ChannelType"];
                /** Format: date-time */
                created_at: string;
                id: components["schemas"]["NotificationJobId"];
                incident_id: components["schemas"]["IncidentId"];
                /** @description Why the last attempt failed. */
                last_error?: string | null;
                /**
                 * Format: date-time
                 * @description When it is tried again; null when it is settled.
                 */
                next_attempt_at?: string | null;
                /**
                 * Format: date-time
                 * @description When it was sent or given up.
                 */
                settled_at?: string | null;
                state: components["schemas"]["JobState"];
                transition: components["schemas"]["NotifiedTransition"];
            };
        };
        Data_RuleDetailView: {
            data: components["schemas"]["RuleView"] & {
                firings: components["schemas"]["FiringView"][];
            };
        };
        Data_RuleView: {
            data: {
                /** Format: int32 */
                cooldown_seconds: number;
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /** Format: int32 */
                for_seconds: number;
                id: components["schemas"]["AlertRuleId"];
                /** @description Why the last evaluation failed; null when it did not. */
                last_error?: string | null;
                /** Format: date-time */
                last_evaluated_at?: string | null;
                name: string;
                params: Record<string, never>;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /** @description `error_count` or `deployment_failure`. */
                type: string;
                /** Format: date-time */
                updated_at: string;
                /**
                 * Format: int32
                 * @description Rises with every change.
                 */
                version: number;
            };
        };
        Data_Swept: {
            /** @description What a sweep did. */
            data: {
                evaluated: number;
                /** @description Rules that could not be evaluated; each says why in its `last_error`. */
                failed: number;
                /** @description Rules that there was no time for. */
                left: number;
                /** @description Incidents that opened. */
                opened: number;
                /** @description Incidents that resolved. */
                resolved: number;
            };
        };
        Data_TestView: {
            /** @description What came of a test message. */
            data: {
                /** @description In words; what the receiver wrote is not repeated. */
                detail: string;
                /** Format: int64 */
                duration_ms: number;
                /** Format: int32 */
                http_status?: number | null;
                /** @description sent, refused (the receiver will not take it), failed (it may later), unknown (no answer came). */
                outcome: components["schemas"]["AttemptOutcome"];
            };
        };
        Data_WrittenChannelView: {
            /** @description A channel as it is answered once, right after it was made or changed. */
            data: components["schemas"]["ChannelView"] & {
                /**
                 * @description The signing secret that was made for a webhook, to be given to the receiver. It is not shown again; null when
                 *     none was made.
                 */
                secret?: string | null;
            };
        };
        /** Format: uuid */
        EnvironmentId: string;
        /** @description The envelope of every failure. */
        ErrorBody: {
            /** @description The `X-Request-Id` of this request, for support. */
            correlation_id: string;
            error: components["schemas"]["ErrorContent"];
        };
        ErrorContent: {
            /**
             * @description One of VALIDATION_ERROR, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, PAYLOAD_TOO_LARGE,
             *     UNSUPPORTED_MEDIA_TYPE, RATE_LIMITED, UNAVAILABLE, INTERNAL_ERROR.
             */
            code: string;
            details: components["schemas"]["FieldError"][];
            message: string;
        };
        /** @description One rule by both ids, or every rule of every organisation by neither. */
        EvaluateRequest: {
            org_id?: components["schemas"]["OrgId"] | null;
            rule_id?: components["schemas"]["AlertRuleId"] | null;
        };
        /**
         * @description What a row of the timeline tells.
         * @enum {string}
         */
        EventKind: "opened" | "acknowledged" | "resolved" | "firing_held" | "firing_ended" | "severity_changed" | "title_changed" | "note" | "notification_enqueued" | "notification_sent" | "notification_failed" | "notification_dead" | "notification_revived" | "nobody_told";
        /** @description One line of the timeline. */
        EventView: {
            actor_user_id?: components["schemas"]["UserId"] | null;
            /** Format: date-time */
            at: string;
            details: Record<string, never>;
            id: components["schemas"]["IncidentEventId"];
            kind: components["schemas"]["EventKind"];
            message: string;
        };
        /** @description One wrong field: `path` is where it stands in the request, such as `params.threshold`. */
        FieldError: {
            message: string;
            path: string;
        };
        /**
         * @description Where one fingerprint of one rule stands.
         * @enum {string}
         */
        FiringState: "inactive" | "pending" | "firing";
        /** @description Where the rule stands in one environment of one service. */
        FiringView: {
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /** Format: date-time */
            fired_at?: string | null;
            /**
             * Format: date-time
             * @description Until when it stays so at least, if the condition does not change; null where time changes nothing.
             */
            held_until?: string | null;
            incident_id?: components["schemas"]["IncidentId"] | null;
            /** Format: date-time */
            last_evaluated_at: string;
            /** Format: double */
            last_value?: number | null;
            /** Format: date-time */
            pending_since?: string | null;
            /** @description Why it is in this state. */
            reason: components["schemas"]["Reason"];
            service_id?: components["schemas"]["ServiceId"] | null;
            state: components["schemas"]["FiringState"];
        };
        /** @description At most 10,000 characters, not blank; line breaks and tabs are the only control characters in it. */
        FreeText: string;
        /** @description An incident with its newest 500 events, oldest first, and its newest 100 notifications, newest first. */
        IncidentDetailView: components["schemas"]["IncidentView"] & {
            notifications: components["schemas"]["NotificationDetailView"][];
            timeline: components["schemas"]["EventView"][];
        };
        /** Format: uuid */
        IncidentEventId: string;
        /** Format: uuid */
        IncidentId: string;
        /**
         * @description Who opened an incident.
         * @enum {string}
         */
        IncidentSource: "rule" | "manual";
        /**
         * @description Where an incident stands. It never goes back.
         * @enum {string}
         */
        IncidentStatus: "open" | "acknowledged" | "resolved";
        IncidentView: {
            /** Format: date-time */
            acknowledged_at?: string | null;
            acknowledged_by?: components["schemas"]["UserId"] | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            id: components["schemas"]["IncidentId"];
            /** Format: date-time */
            opened_at: string;
            /** Format: date-time */
            resolved_at?: string | null;
            resolved_by?: components["schemas"]["UserId"] | null;
            rule_id?: components["schemas"]["AlertRuleId"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            source: components["schemas"]["IncidentSource"];
            status: components["schemas"]["IncidentStatus"];
            summary: string;
            title: string;
            /** Format: date-time */
            updated_at: string;
        };
        /**
         * @description Where a notification stands.
         * @enum {string}
         */
        JobState: "pending" | "claimed" | "sent" | "dead";
        /** @description A trimmed, non-empty, single-line text of at most 200 characters without control characters. */
        Name: string;
        NoteView: {
            /** @description The note's row in the timeline. */
            id: components["schemas"]["IncidentEventId"];
            text: string;
        };
        /** @description A notification with its newest attempts, in order. */
        NotificationDetailView: components["schemas"]["NotificationView"] & {
            attempt_history: components["schemas"]["AttemptView"][];
        };
        /**
         * Format: uuid
         * @description One transition to one target. Travels to the receiver as its idempotency key.
         */
        NotificationJobId: string;
        /**
         * @description One transition of one incident, told through one channel. Its id is the receiver's `webhook-id`, however often it is
         *     sent.
         */
        NotificationView: {
            /** Format: int32 */
            attempts: number;
            channel_id: components["schemas"]["ChannelId"];
            channel_name: string;
            channel_type: components["schemas"]["ChannelType"];
            /** Format: date-time */
            created_at: string;
            id: components["schemas"]["NotificationJobId"];
            incident_id: components["schemas"]["IncidentId"];
            /** @description Why the last attempt failed. */
            last_error?: string | null;
            /**
             * Format: date-time
             * @description When it is tried again; null when it is settled.
             */
            next_attempt_at?: string | null;
            /**
             * Format: date-time
             * @description When it was sent or given up.
             */
            settled_at?: string | null;
            state: components["schemas"]["JobState"];
            transition: components["schemas"]["NotifiedTransition"];
        };
        /**
         * @description The changes of an incident that people are told of.
         * @enum {string}
         */
        NotifiedTransition: "opened" | "resolved";
        /**
         * Format: uuid
         * @description The tenant. Every stored tenant row belongs to exactly one.
         */
        OrgId: string;
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_ChannelView: {
            data: {
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                /** @description The host of its address and the last four characters: all that is shown of the configuration. */
                hint: string;
                id: components["schemas"]["ChannelId"];
                name: string;
                type: components["schemas"]["ChannelType"];
                /** Format: date-time */
                updated_at: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_IncidentView: {
            data: {
                /** Format: date-time */
                acknowledged_at?: string | null;
                acknowledged_by?: components["schemas"]["UserId"] | null;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                id: components["schemas"]["IncidentId"];
                /** Format: date-time */
                opened_at: string;
                /** Format: date-time */
                resolved_at?: string | null;
                resolved_by?: components["schemas"]["UserId"] | null;
                rule_id?: components["schemas"]["AlertRuleId"] | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                source: components["schemas"]["IncidentSource"];
                status: components["schemas"]["IncidentStatus"];
                summary: string;
                title: string;
                /** Format: date-time */
                updated_at: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_NotificationView: {
            data: {
                /** Format: int32 */
                attempts: number;
                channel_id: components["schemas"]["ChannelId"];
                channel_name: string;
                channel_type: components["schemas"]["ChannelType"];
                /** Format: date-time */
                created_at: string;
                id: components["schemas"]["NotificationJobId"];
                incident_id: components["schemas"]["IncidentId"];
                /** @description Why the last attempt failed. */
                last_error?: string | null;
                /**
                 * Format: date-time
                 * @description When it is tried again; null when it is settled.
                 */
                next_attempt_at?: string | null;
                /**
                 * Format: date-time
                 * @description When it was sent or given up.
                 */
                settled_at?: string | null;
                state: components["schemas"]["JobState"];
                transition: components["schemas"]["NotifiedTransition"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_RuleView: {
            data: {
                /** Format: int32 */
                cooldown_seconds: number;
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /** Format: int32 */
                for_seconds: number;
                id: components["schemas"]["AlertRuleId"];
                /** @description Why the last evaluation failed; null when it did not. */
                last_error?: string | null;
                /** Format: date-time */
                last_evaluated_at?: string | null;
                name: string;
                params: Record<string, never>;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /** @description `error_count` or `deployment_failure`. */
                type: string;
                /** Format: date-time */
                updated_at: string;
                /**
                 * Format: int32
                 * @description Rises with every change.
                 */
                version: number;
            }[];
            next_cursor?: string | null;
        };
        /**
         * @description Why a fingerprint is in its state: the answer to "why was I (not) told?".
         * @enum {string}
         */
        Reason: "not_met" | "waiting" | "cooling_down" | "met" | "clearing" | "settled" | "rule_disabled" | "rule_deleted" | "out_of_scope";
        RuleDetailView: components["schemas"]["RuleView"] & {
            firings: components["schemas"]["FiringView"][];
        };
        /**
         * @description The kinds of rule.
         * @enum {string}
         */
        RuleType: "error_count" | "deployment_failure";
        RuleView: {
            /** Format: int32 */
            cooldown_seconds: number;
            /** Format: date-time */
            created_at: string;
            enabled: boolean;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /** Format: int32 */
            for_seconds: number;
            id: components["schemas"]["AlertRuleId"];
            /** @description Why the last evaluation failed; null when it did not. */
            last_error?: string | null;
            /** Format: date-time */
            last_evaluated_at?: string | null;
            name: string;
            params: Record<string, never>;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            /** @description `error_count` or `deployment_failure`. */
            type: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: int32
             * @description Rises with every change.
             */
            version: number;
        };
        /** Format: uuid */
        ServiceId: string;
        /**
         * @description In rising order.
         * @enum {string}
         */
        Severity: "low" | "medium" | "high" | "critical";
        /** @description What a sweep did. */
        Swept: {
            evaluated: number;
            /** @description Rules that could not be evaluated; each says why in its `last_error`. */
            failed: number;
            /** @description Rules that there was no time for. */
            left: number;
            /** @description Incidents that opened. */
            opened: number;
            /** @description Incidents that resolved. */
            resolved: number;
        };
        /** @description What came of a test message. */
        TestView: {
            /** @description In words; what the receiver wrote is not repeated. */
            detail: string;
            /** Format: int64 */
            duration_ms: number;
            /** Format: int32 */
            http_status?: number | null;
            /** @description sent, refused (the receiver will not take it), failed (it may later), unknown (no answer came). */
            outcome: components["schemas"]["AttemptOutcome"];
        };
        /** Format: uuid */
        UserId: string;
        /** @description A channel as it is answered once, right after it was made or changed. */
        WrittenChannelView: components["schemas"]["ChannelView"] & {
            /**
             * @description The signing secret that was made for a webhook, to be given to the receiver. It is not shown again; null when
             *     none was made.
             */
            secret?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

// Made by scripts/types.mjs from the OpenAPI document of alerting.
export interface paths {
    "/api/acknowledge/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows what the link would acknowledge, and a button that does. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description from a message */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description a page with a button */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/html": unknown;
                    };
                };
                /** @description the link is not one of ours, or has expired */
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
        /** Acknowledges the incident. The same again changes nothing. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description from a message */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description a page that says so */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/html": unknown;
                    };
                };
                /** @description the link is not one of ours, or has expired */
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
                    "application/json": components["schemas"]["RuleBody"];
                };
            };
            responses: {
                /** @description a heartbeat's address is in `heartbeat_url`, once */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RuleMadeView"];
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
    "/api/alerts/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes the organisation's rules as a file says, by name: all of them or, where one is wrong, none. Applied again, it changes
         *     nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "document": "version: 1\nrules:\n  - name: checkout errors\n    type: error_count\n    service: checkout\n    severity: high\n    params: {threshold: 20, window_seconds: 300}\n",
                     *       "dry_run": true
                     *     }
                     */
                    "application/json": components["schemas"]["ApplyRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_AppliedView"];
                    };
                };
                /** @description the file is wrong; the path says where */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description more rules than an organisation may have */
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
    "/api/alerts/backtest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tries a rule on the last days, with the evaluator that runs in production. Rules over arrivals, deployments and calls find
         *     what they would have found then; a query counts lines by their own time, late ones included. What people did to incidents
         *     plays no part.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["BacktestRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_BacktestView"];
                    };
                };
                /** @description a wrong field, or more history than can be looked at in time */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
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
                /** @description others look back at this moment */
                503: {
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
    "/api/alerts/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every rule of the organisation as a YAML file that `apply` takes, by name. Addresses of heartbeats are not in it. */
        get: {
            parameters: {
                query?: never;
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
                        /**
                         * @example version: 1
                         *     rules:
                         *     - name: checkout errors
                         *       type: error_count
                         *       service: checkout
                         *       params:
                         *         threshold: 20
                         *         window_seconds: 300
                         *       severity: high
                         */
                        "application/yaml": string;
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
    "/api/alerts/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Shows what a rule sees over a range of time. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RulePreviewRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_PreviewView"];
                    };
                };
                /** @description a wrong field, or more history than can be looked at in time */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
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
                /** @description others look back at this moment */
                503: {
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
    "/api/alerts/{id}/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives a heartbeat another address; the one that it had is no longer known. */
        post: {
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
                /** @description the address is shown once */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_HeartbeatUrlView"];
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
                /** @description the rule is no heartbeat */
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
    "/api/alerts/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What each version of a rule said, newest first; the newest hundred. */
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
                        "application/json": components["schemas"]["Data_Vec_VersionView"];
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
        patch?: never;
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
    "/api/channels/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uses a paused channel again: what it missed of incidents that are not over is sent now. */
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
                        "application/json": components["schemas"]["Data_ChannelView"];
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
    "/api/channels/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gives a webhook a new signing secret, which is shown once. Until the overlap is over every message carries two
         *     signatures, one of each secret, as the Standard Webhooks specification has it.
         */
        post: {
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
                    "application/json": components["schemas"]["RotateRequest"];
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
                /** @description it is no webhook */
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
    "/api/channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sends a test message now, also through a disabled or paused channel, and says what the receiver answered. A paused channel
         *     whose test arrives is used again.
         */
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
    "/api/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explains a moment at a place, also when nobody was told: each rule that looks there says why it fires or not. Of a moment of
         *     the past, each rule in the version of then says what it had decided, as far as that is kept (35 days).
         */
        get: {
            parameters: {
                query: {
                    /** @description RFC 3339; now when absent. */
                    at?: string;
                    service_id: components["schemas"]["ServiceId"];
                    environment_id: components["schemas"]["EnvironmentId"];
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
                        "application/json": components["schemas"]["Data_MomentExplanation"];
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
        put?: never;
        post?: never;
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
                    /**
                     * @description open, acknowledged, resolved; several separated by commas. All when absent.
                     * @example open,acknowledged
                     */
                    status?: string;
                    /**
                     * @description `me`, or the id of a member: those that this person looks after.
                     * @example me
                     */
                    assignee?: string;
                    /** @description Only those that are snoozed, or only those that are not. */
                    snoozed?: boolean;
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
    "/api/incidents/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** When a problem that comes back is the same incident, and when many firings are one. */
        get: {
            parameters: {
                query?: never;
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
                        "application/json": components["schemas"]["Data_IncidentSettingsView"];
                    };
                };
            };
        };
        /** Changes that, for what fires from now on. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["IncidentSettingsView"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IncidentSettingsView"];
                    };
                };
            };
        };
        post?: never;
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
        /** Acknowledges, resolves, reopens, assigns, snoozes or describes an incident. The same again changes nothing. */
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
                /** @description the assignee is no member, or the moment is not in the next 30 days */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
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
                /** @description not from where the incident stands; the message says what to do instead */
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
    "/api/incidents/{id}/context": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explains an incident by what is known around its opening: deployments with what they changed, errors that are new or risen,
         *     values that stand out, some of its lines, and earlier incidents like it. Each claim names the row that it comes from.
         */
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
                        "application/json": components["schemas"]["Data_IncidentContextView"];
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
        patch?: never;
        trace?: never;
    };
    "/api/incidents/{id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explains an incident: evaluation, grouping, silence, routing, channel, attempt and answer, each step with the row that it
         *     comes from; also for channels that were not told.
         */
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
                        "application/json": components["schemas"]["Data_IncidentExplanation"];
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
        patch?: never;
        trace?: never;
    };
    "/api/incidents/{id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The problems that an incident is about, those that fired first first. Most incidents have one; a storm has one for each of
         *     the firings that are told as one.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Rows a page, 1 to 1000; 100 when absent. */
                    limit?: number;
                    /** @description `next_cursor` of the page before; absent for the first. */
                    cursor?: string;
                };
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
                        "application/json": components["schemas"]["Page_IncidentMemberView"];
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
        patch?: never;
        trace?: never;
    };
    "/api/incidents/{id}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an incident part of another one: it resolves as merged, what still fires of it fires in the other, and whatever of its
         *     problems fires later goes there. The other one ends when all of that is clear. Neither can be undone.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the incident that becomes part of the other */
                    id: components["schemas"]["IncidentId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["MergeIncidentRequest"];
                };
            };
            responses: {
                /** @description the incident that was merged */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IncidentView"];
                    };
                };
                /** @description no such incident, or no such other one */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description one of them is over, was merged before, or they are the same */
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
    "/api/maintenance-windows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Maintenance windows, newest first. */
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
                        "application/json": components["schemas"]["Page_WindowView"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Holds back what would be told of such incidents while a window is open. What opens meanwhile and is not over when it
         *     closes is told then.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateWindowRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_WindowView"];
                    };
                };
                /** @description no such service, environment or rule */
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
    "/api/maintenance-windows/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One maintenance window. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["MaintenanceWindowId"];
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
                        "application/json": components["schemas"]["Data_WindowView"];
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
        /** Deletes a maintenance window. What it holds back is told if its incident is not over. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["MaintenanceWindowId"];
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
        /** Changes a maintenance window. What it holds back is looked at again. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["MaintenanceWindowId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeWindowRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_WindowView"];
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
                    /** @description pending, claimed, sent, dead, unknown, held or unrouted; all when absent. */
                    state?: string;
                    /** @description Those of one incident. */
                    incident_id?: components["schemas"]["IncidentId"];
                    /** @description Those of one channel. */
                    channel_id?: components["schemas"]["ChannelId"];
                    /** @description What this silence holds back, or held back last. */
                    silence_id?: components["schemas"]["SilenceId"];
                    /** @description What this maintenance window holds back, or held back last. */
                    window_id?: components["schemas"]["MaintenanceWindowId"];
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
    "/api/notifications/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tries many notifications that were given up again, at most 500 at a time, oldest first. Those that a later notification
         *     overtook stay given up, and so do openings of incidents that are over: they would tell an old story as new.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RetryManyRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RetriedView"];
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
    "/api/routing/order": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Puts the routes into an order. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OrderRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_Vec_RouteView"];
                    };
                };
                /** @description the list is not the one of all routes */
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
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/routing/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Who would be told if such an incident opened. Channels that nothing chooses are not listed. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PreviewRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_Vec_WouldBeTold"];
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
    "/api/routing/routes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All routes in the order in which they are asked. Where none matches, every channel is told. */
        get: {
            parameters: {
                query?: never;
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
                        "application/json": components["schemas"]["Data_Vec_RouteView"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a route behind all others. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateRouteRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RouteView"];
                    };
                };
                /** @description no such channel, service, environment or rule */
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
    "/api/routing/routes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes a route. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["RouteId"];
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
        /** Changes a route. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["RouteId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeRouteRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_RouteView"];
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
    "/api/silences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Silences, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Whether those that are over are listed too; false when absent. */
                    with_ended?: boolean;
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
                        "application/json": components["schemas"]["Page_SilenceView"];
                    };
                };
            };
        };
        put?: never;
        /** Holds back what would be told of such incidents. What opens meanwhile and is not over when the silence ends is told then. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateSilenceRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_SilenceView"];
                    };
                };
                /** @description no such service, environment or rule */
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
    "/api/silences/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One silence. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["SilenceId"];
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
                        "application/json": components["schemas"]["Data_SilenceView"];
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
        /**
         * Ends a silence now. What it holds back is told if its incident is not over. The silence stays in the list of those that
         *     are over.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["SilenceId"];
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
        patch?: never;
        trace?: never;
    };
    "/api/v1/alertmanager": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes a webhook of Alertmanager (version 4). In its configuration: `webhook_configs: [{url: …/api/v1/alertmanager,
         *     http_config: {authorization: {credentials: slk_…}}}]`, with a key that has the scope `alerts:write`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Payload"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_ReceivedView"];
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
                /** @description the key lacks the scope alerts:write */
                403: {
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
    "/api/v1/heartbeats/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same, for jobs that can only GET. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the secret of the address, slh_… */
                    token: string;
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
                        "application/json": components["schemas"]["Data_BeatView"];
                    };
                };
                /** @description no such heartbeat */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description too many calls from one place */
                429: {
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
        /** A job says that it ran: the address is shown when its rule is made. Calls within 5 s count as one. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the secret of the address, slh_… */
                    token: string;
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
                        "application/json": components["schemas"]["Data_BeatView"];
                    };
                };
                /** @description no such heartbeat */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description too many calls from one place */
                429: {
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
        /** @enum {string} */
        Action: "create" | "change" | "delete" | "unchanged" | "unknown";
        Alert: {
            annotations?: {
                [key: string]: string;
            };
            /** @description Names the problem, within that Alertmanager. */
            fingerprint: string;
            generatorURL?: string;
            labels?: {
                [key: string]: string;
            };
            /** Format: date-time */
            startsAt: string;
            status: components["schemas"]["AlertStatus"];
        };
        /** Format: uuid */
        AlertRuleId: string;
        /** @enum {string} */
        AlertStatus: "firing" | "resolved";
        AppliedView: {
            /** @description False for a dry run. */
            applied: boolean;
            /** @description By name. */
            changes: components["schemas"]["ChangeView"][];
            /** @description Whether what is in force differs from the file; rules that the file does not know are no drift unless `prune` is set. */
            drift: boolean;
        };
        ApplyRequest: {
            /** @description YAML: `version: 1` and `rules`, each with the fields of a rule, and service and environment by name. */
            document: string;
            /** @description Shows what would change, and changes nothing. */
            dry_run?: boolean;
            /** @description Deletes rules that the file does not name. */
            prune?: boolean;
        };
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
        /** @description A draft, a rule as it is in force, or both to compare them. */
        BacktestRequest: {
            /**
             * Format: int32
             * @description 1 to 30.
             */
            days: number;
            draft?: components["schemas"]["Draft"] | null;
            rule_id?: components["schemas"]["AlertRuleId"] | null;
        };
        BacktestView: {
            /** @description The draft; the rule in force where there is none. */
            candidate: components["schemas"]["OutcomeView"];
            /** Format: date-time */
            from: string;
            in_force?: components["schemas"]["OutcomeView"] | null;
            /** @description Newest first, the newest 500. */
            incidents: components["schemas"]["IncidentMetView"][];
            /** Format: date-time */
            to: string;
        };
        BeatView: {
            /** @description Always true. */
            noted: boolean;
        };
        /**
         * @description What is absent stays as it is. A new `config` replaces the old one; a webhook keeps its secret unless another is
         *     given.
         */
        ChangeChannelRequest: {
            config?: Record<string, never> | null;
            enabled?: boolean | null;
            name?: components["schemas"]["Name"] | null;
            on_unknown?: components["schemas"]["OnUnknown"] | null;
        };
        /**
         * @description What is absent stays as it is. Several changes are made in this order, all or none: title, severity, status, assignee, snooze.
         * @example {
         *       "assignee_id": "5b0d8b0e-5d5a-4c6e-9f1c-6c9f2a7f3a11",
         *       "reason": "the vendor works on it",
         *       "snoozed_until": "2026-11-30T08:00:00Z"
         *     }
         */
        ChangeIncidentRequest: {
            assignee_id?: components["schemas"]["UserId"] | null;
            reason?: components["schemas"]["FreeText"] | null;
            severity?: components["schemas"]["Severity"] | null;
            /**
             * Format: date-time
             * @description Until then, at most 30 days ahead, it tells nobody. Then it wakes by itself, and calls people once if it is not over.
             *     Null ends the wait, and calls nobody.
             */
            snoozed_until?: string | null;
            status?: components["schemas"]["IncidentStatus"] | null;
            title?: components["schemas"]["Name"] | null;
        };
        /** @description What is absent stays as it is. */
        ChangeRouteRequest: {
            channel_ids?: components["schemas"]["ChannelId"][] | null;
            continues?: boolean | null;
            enabled?: boolean | null;
            matcher?: components["schemas"]["Matcher"] | null;
            name?: components["schemas"]["Name"] | null;
        };
        /** @description What is absent stays as it is; a `service_id` or `environment_id` of null widens the scope. The type stays. */
        ChangeRuleRequest: {
            /** Format: int32 */
            cooldown_seconds?: number | null;
            description?: components["schemas"]["Description"] | null;
            enabled?: boolean | null;
            /** Format: uuid */
            environment_id?: string | null;
            /** Format: int32 */
            for_seconds?: number | null;
            /** Format: int32 */
            keep_firing_for_seconds?: number | null;
            labels?: components["schemas"]["Labels"] | null;
            name?: components["schemas"]["Name"] | null;
            params?: Record<string, never> | null;
            runbook_url?: string | null;
            /** Format: uuid */
            service_id?: string | null;
            severity?: components["schemas"]["Severity"] | null;
        };
        ChangeView: {
            action: components["schemas"]["Action"];
            differences: components["schemas"]["DifferenceView"][];
            /** @description Of a heartbeat that was made: what its job calls, shown once. */
            heartbeat_url?: string | null;
            name: string;
        };
        /** @description What is absent stays as it is. */
        ChangeWindowRequest: {
            enabled?: boolean | null;
            matcher?: components["schemas"]["Matcher"] | null;
            name?: components["schemas"]["Name"] | null;
            reason?: components["schemas"]["FreeText"] | null;
            schedule?: components["schemas"]["Schedule"] | null;
        };
        /** Format: uuid */
        ChannelId: string;
        /** @enum {string} */
        ChannelType: "slack" | "slack_bot" | "discord" | "teams" | "email" | "pagerduty" | "opsgenie" | "telegram" | "ntfy" | "webhook";
        ChannelView: {
            /**
             * Format: int32
             * @description Failed attempts since the last success.
             */
            consecutive_failures: number;
            /** Format: date-time */
            created_at: string;
            /** @description Whether the receiver recognises a message that it had before, so that a repeat does no harm. */
            dedupes: boolean;
            enabled: boolean;
            /** @description The host of its address and the last four characters: all that is shown of the configuration. */
            hint: string;
            id: components["schemas"]["ChannelId"];
            name: string;
            /** @description What is done when nobody knows whether a message arrived, and the receiver would not recognise it a second time. */
            on_unknown: components["schemas"]["OnUnknown"];
            /**
             * Format: date-time
             * @description Since when it takes nothing because it kept failing; null when it is in use.
             */
            paused_at?: string | null;
            paused_reason?: string | null;
            type: components["schemas"]["ChannelType"];
            /** Format: date-time */
            updated_at: string;
        };
        /** @description What chose a channel. */
        ChosenBy: {
            /** @enum {string} */
            by: "default";
        } | {
            /** @enum {string} */
            by: "route";
            name: string;
            route_id: components["schemas"]["RouteId"];
        } | {
            /** @enum {string} */
            by: "opening";
        } | {
            /** @enum {string} */
            by: "any_other";
        };
        ContextPart_ContextDeployment: {
            found: {
                actor?: string | null;
                /** Format: date-time */
                began_at: string;
                commit_message?: string | null;
                commit_sha?: string | null;
                /**
                 * @description Where GitHub shows what changed since the deployment before it.
                 * @example https://github.com/acme/shop/compare/1f0a9c3...8be21d4
                 */
                compare_url?: string | null;
                deployment_id: components["schemas"]["DeploymentId"];
                environment_id: components["schemas"]["EnvironmentId"];
                /**
                 * Format: int64
                 * @description How long before the incident opened.
                 * @example 240
                 */
                seconds_before: number;
                service_id: components["schemas"]["ServiceId"];
                status: components["schemas"]["DeploymentStatus"];
                /** @example v1.8.2 */
                version?: string | null;
            }[];
            /** @description Why there may be more, or why there is nothing; null when that is all. */
            partial?: string | null;
        };
        ContextPart_ContextLine: {
            found: {
                environment_id: components["schemas"]["EnvironmentId"];
                /** @description As `/api/logs/line` takes it: the line keeps it as long as it is kept. */
                id: string;
                level: components["schemas"]["Level"];
                message: string;
                service_id: components["schemas"]["ServiceId"];
                /** Format: date-time */
                timestamp: string;
            }[];
            /** @description Why there may be more, or why there is nothing; null when that is all. */
            partial?: string | null;
        };
        ContextPart_ContextPattern: {
            found: {
                /** Format: date-time */
                first_seen?: string | null;
                /**
                 * @description As `/api/logs/patterns` names it.
                 * @example 7bbe86d97c2d991b
                 */
                id: string;
                kind: components["schemas"]["Kind"];
                level: components["schemas"]["Level"];
                /** Format: int64 */
                lines_after: number;
                /** Format: int64 */
                lines_before: number;
                /** @description A query that finds its lines. */
                query: string;
                sample: string;
                service_id: components["schemas"]["ServiceId"];
                /** @example payment for order <*> failed: card_declined */
                text: string;
            }[];
            /** @description Why there may be more, or why there is nothing; null when that is all. */
            partial?: string | null;
        };
        ContextPart_ContextValue: {
            found: {
                /** @example region */
                field: string;
                /**
                 * @description A query that finds the lines that have it.
                 * @example region:eu-west-2
                 */
                query: string;
                /**
                 * Format: double
                 * @description Of all lines there, 0 to 1.
                 * @example 0.18
                 */
                share_of_all: number;
                /**
                 * Format: double
                 * @description Of the incident's lines.
                 * @example 0.93
                 */
                share_of_its: number;
                /** @example eu-west-2 */
                value: string;
            }[];
            /** @description Why there may be more, or why there is nothing; null when that is all. */
            partial?: string | null;
        };
        ContextPart_SimilarIncident: {
            found: {
                /**
                 * @description How it ended, in words, and the row of its timeline that says so.
                 * @example resolved: the condition is no longer met: 0 errors in the last 60 s (threshold 20)
                 */
                end?: string | null;
                end_event_id?: components["schemas"]["IncidentEventId"] | null;
                incident_id: components["schemas"]["IncidentId"];
                /**
                 * Format: int64
                 * @description How long it lasted; null for one that is not over.
                 * @example 1260
                 */
                lasted_seconds?: number | null;
                /** Format: date-time */
                opened_at: string;
                same: components["schemas"]["IncidentLikeness"];
                title: string;
            }[];
            /** @description Why there may be more, or why there is nothing; null when that is all. */
            partial?: string | null;
        };
        CreateChannelRequest: {
            /**
             * @description `slack`, `discord` and `teams`: {webhook_url}. `slack_bot`: {token, channel, api_url?}. `email`: {to: [..]}.
             *     `pagerduty`: {routing_key, api_url?}. `opsgenie`: {api_key, api_url?}. `telegram`: {bot_token, chat_id, api_url?}.
             *     `ntfy`: {topic, server_url?, token?}. `webhook`: {url, secret?}; the secret is whsec_ and base64, and is made when
             *     absent.
             */
            config: Record<string, never>;
            /** @description True when absent. */
            enabled?: boolean | null;
            name: components["schemas"]["Name"];
            on_unknown?: components["schemas"]["OnUnknown"] | null;
            type: components["schemas"]["ChannelType"];
        };
        CreateIncidentRequest: {
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            labels?: components["schemas"]["Labels"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            summary?: components["schemas"]["FreeText"] | null;
            title: components["schemas"]["Name"];
        };
        CreateNoteRequest: {
            text: components["schemas"]["FreeText"];
        };
        /**
         * @example {
         *       "channel_ids": [
         *         "6d6e2a0c-5c1d-4c64-9b0e-0d6c5f1f2a3b"
         *       ],
         *       "matcher": {
         *         "labels": {
         *           "team": "payments"
         *         },
         *         "min_severity": "high"
         *       },
         *       "name": "payments, urgent"
         *     }
         */
        CreateRouteRequest: {
            /** @description Whom it tells; an empty list tells nobody. */
            channel_ids: components["schemas"]["ChannelId"][];
            /** @description False when absent. */
            continues?: boolean;
            /** @description True when absent. */
            enabled?: boolean | null;
            /** @description What must hold of an incident; everything matches when absent. */
            matcher?: components["schemas"]["Matcher"];
            name: components["schemas"]["Name"];
        };
        /**
         * @example {
         *       "ends_at": "2026-11-29T23:00:00Z",
         *       "matcher": {
         *         "labels": {
         *           "team": "payments"
         *         }
         *       },
         *       "reason": "planned migration"
         *     }
         */
        CreateSilenceRequest: {
            /**
             * Format: date-time
             * @description At most 90 days after its start.
             */
            ends_at: string;
            /** @description What must hold of an incident; everything is held back when absent. */
            matcher?: components["schemas"]["Matcher"];
            reason: components["schemas"]["FreeText"];
            /**
             * Format: date-time
             * @description Now when absent.
             */
            starts_at?: string | null;
        };
        /**
         * @example {
         *       "name": "weekly backups",
         *       "reason": "disks are busy",
         *       "schedule": {
         *         "days": [
         *           "sat",
         *           "sun"
         *         ],
         *         "duration_minutes": 90,
         *         "start": "02:30",
         *         "time_zone": "Europe/Berlin"
         *       }
         *     }
         */
        CreateWindowRequest: {
            /** @description True when absent. */
            enabled?: boolean | null;
            /** @description What must hold of an incident; everything is held back when absent. */
            matcher?: components["schemas"]["Matcher"];
            name: components["schemas"]["Name"];
            reason?: components["schemas"]["FreeText"] | null;
            schedule: components["schemas"]["Schedule"];
        };
        Data_AppliedView: {
            data: {
                /** @description False for a dry run. */
                applied: boolean;
                /** @description By name. */
                changes: components["schemas"]["ChangeView"][];
                /** @description Whether what is in force differs from the file; rules that the file does not know are no drift unless `prune` is set. */
                drift: boolean;
            };
        };
        Data_BacktestView: {
            data: {
                /** @description The draft; the rule in force where there is none. */
                candidate: components["schemas"]["OutcomeView"];
                /** Format: date-time */
                from: string;
                in_force?: components["schemas"]["OutcomeView"] | null;
                /** @description Newest first, the newest 500. */
                incidents: components["schemas"]["IncidentMetView"][];
                /** Format: date-time */
                to: string;
            };
        };
        Data_BeatView: {
            data: {
                /** @description Always true. */
                noted: boolean;
            };
        };
        Data_ChannelView: {
            data: {
                /**
                 * Format: int32
                 * @description Failed attempts since the last success.
                 */
                consecutive_failures: number;
                /** Format: date-time */
                created_at: string;
                /** @description Whether the receiver recognises a message that it had before, so that a repeat does no harm. */
                dedupes: boolean;
                enabled: boolean;
                /** @description The host of its address and the last four characters: all that is shown of the configuration. */
                hint: string;
                id: components["schemas"]["ChannelId"];
                name: string;
                /** @description What is done when nobody knows whether a message arrived, and the receiver would not recognise it a second time. */
                on_unknown: components["schemas"]["OnUnknown"];
                /**
                 * Format: date-time
                 * @description Since when it takes nothing because it kept failing; null when it is in use.
                 */
                paused_at?: string | null;
                paused_reason?: string | null;
                type: components["schemas"]["ChannelType"];
                /** Format: date-time */
                updated_at: string;
            };
        };
        Data_HeartbeatUrlView: {
            data: {
                /** @example https://sightline.example.com/api/v1/heartbeats/slh_… */
                heartbeat_url: string;
            };
        };
        Data_IncidentContextView: {
            /** @description What is known around an incident's opening. Each part may be partial by itself, and says why. */
            data: {
                /** @description What was deployed there last before it opened, the newest first; at most three. */
                deployments: components["schemas"]["ContextPart_ContextDeployment"];
                /**
                 * Format: date-time
                 * @description Lines of this window are held against those of the window before it, which is as long.
                 */
                from: string;
                incident_id: components["schemas"]["IncidentId"];
                /** @description The newest of its lines when it opened; at most three. */
                lines: components["schemas"]["ContextPart_ContextLine"];
                /** @description Templates of errors that are new or risen, the most telling first; at most five. */
                patterns: components["schemas"]["ContextPart_ContextPattern"];
                /** @description Earlier incidents of the same problem, rule or service; at most five. */
                similar: components["schemas"]["ContextPart_SimilarIncident"];
                /** Format: date-time */
                to: string;
                /** @description Values of fields that its lines have more often than all lines there, the most telling first; at most five. */
                values: components["schemas"]["ContextPart_ContextValue"];
            };
        };
        Data_IncidentDetailView: {
            /** @description An incident with its newest 500 events, oldest first, and its newest 100 notifications, newest first. */
            data: components["schemas"]["IncidentView"] & {
                /** Format: int64 */
                clear: number;
                /**
                 * Format: int64
                 * @description Of all its problems, how many fire, and how many are clear.
                 */
                firing: number;
                /** @description The problems that it is about, those that fired first first; at most 100 of them. */
                members: components["schemas"]["IncidentMemberView"][];
                /** @description The incidents that became part of it, newest first; at most 100 of them. */
                merged: components["schemas"]["MergedIncidentView"][];
                notifications: components["schemas"]["NotificationDetailView"][];
                timeline: components["schemas"]["EventView"][];
            };
        };
        Data_IncidentExplanation: {
            /** @description An incident, and how each of its transitions reached each channel, or why not. At most 1,000 of them, newest first. */
            data: {
                /**
                 * @description The problems that it is about, those that fired first first, at most 100; at one place where a place is explained.
                 *     `/api/incidents/{id}/members` has them all.
                 */
                firings: components["schemas"]["FoldedFiring"][];
                /** @description Times at which the rule would have fired again, and what held it. */
                held_firings: Record<string, never>[];
                incident: components["schemas"]["IncidentView"];
                notifications: components["schemas"]["Explanation"][];
            };
        };
        Data_IncidentSettingsView: {
            /**
             * @description Unless an organisation says otherwise: 600, 10, 60.
             * @example {
             *       "reopen_seconds": 600,
             *       "storm_threshold": 10,
             *       "storm_window_seconds": 60
             *     }
             */
            data: {
                /**
                 * Format: int32
                 * @description For how long after its end a problem that comes back is the same incident; 0 to 86,400, and 0 for never.
                 */
                reopen_seconds: number;
                /**
                 * Format: int32
                 * @description So many firings of one rule, or at one service, within the window are one incident, 2 to 10,000; null for never.
                 */
                storm_threshold?: number | null;
                /**
                 * Format: int32
                 * @description 5 to 3,600.
                 */
                storm_window_seconds: number;
            };
        };
        Data_IncidentView: {
            data: {
                /** Format: date-time */
                acknowledged_at?: string | null;
                acknowledged_by?: components["schemas"]["UserId"] | null;
                assignee_id?: components["schemas"]["UserId"] | null;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /**
                 * Format: int64
                 * @description Firings that it is about.
                 * @example 37
                 */
                firings: number;
                id: components["schemas"]["IncidentId"];
                labels: components["schemas"]["Labels"];
                /** Format: date-time */
                last_fired_at?: string | null;
                merged_into?: components["schemas"]["IncidentId"] | null;
                /** Format: date-time */
                opened_at: string;
                /**
                 * Format: date-time
                 * @description When it was last opened again, and how often that was.
                 */
                reopened_at?: string | null;
                /** Format: int32 */
                reopened_times: number;
                /** Format: date-time */
                resolved_at?: string | null;
                resolved_by?: components["schemas"]["UserId"] | null;
                rule_id?: components["schemas"]["AlertRuleId"] | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /**
                 * Format: date-time
                 * @description Until then it tells nobody; null unless it is snoozed.
                 */
                snoozed_until?: string | null;
                source: components["schemas"]["IncidentSource"];
                status: components["schemas"]["IncidentStatus"];
                storm_of?: components["schemas"]["StormOf"] | null;
                summary: string;
                title: string;
                /** Format: date-time */
                updated_at: string;
            };
        };
        Data_MomentExplanation: {
            /** @description A moment at a place: the incidents that were not over, each explained, and every rule that looks there. */
            data: {
                /** Format: date-time */
                at: string;
                incidents: components["schemas"]["IncidentExplanation"][];
                rules: components["schemas"]["RuleExplanation"][];
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
                channel_id?: components["schemas"]["ChannelId"] | null;
                channel_name?: string | null;
                channel_type?: components["schemas"]["ChannelType"] | null;
                chosen_by?: components["schemas"]["ChosenBy"] | null;
                /** Format: date-time */
                created_at: string;
                held?: components["schemas"]["HeldBack"] | null;
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
        Data_PreviewView: {
            data: {
                /** Format: date-time */
                from: string;
                /** @description Places that are not in `series`. */
                left_out: number;
                /** @description Those that come closest to firing first; at most 20. */
                series: components["schemas"]["SeriesView"][];
                /**
                 * Format: int64
                 * @description Between two points.
                 */
                step_seconds: number;
                /**
                 * Format: double
                 * @description Null where it differs from point to point.
                 */
                threshold?: number | null;
                /** Format: date-time */
                to: string;
            };
        };
        Data_ReceivedView: {
            /** @description What a request changed. */
            data: {
                alerts: number;
                /** @description Alerts that joined an incident that was open. */
                joined: number;
                /** @description Incidents that opened. */
                opened: number;
                /** @description Incidents that opened again, since their problem came back. */
                reopened: number;
                /** @description Incidents that resolved. */
                resolved: number;
            };
        };
        Data_RetriedView: {
            /** @description What a retry of many did. */
            data: {
                /** @description Whether there may be more: ask again. */
                more: boolean;
                retried: number;
            };
        };
        Data_RouteView: {
            data: {
                /** @description Whom it tells; nobody when empty. */
                channel_ids: components["schemas"]["ChannelId"][];
                /** @description Whether the routes behind it are asked as well when it matches. */
                continues: boolean;
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                id: components["schemas"]["RouteId"];
                matcher: components["schemas"]["Matcher"];
                name: string;
                /** Format: date-time */
                updated_at: string;
            };
        };
        Data_RuleDetailView: {
            data: components["schemas"]["RuleView"] & {
                firings: components["schemas"]["FiringView"][];
                heartbeat?: components["schemas"]["HeartbeatView"] | null;
                /** @description What it decided lately, newest first. */
                transitions: components["schemas"]["TransitionView"][];
            };
        };
        Data_RuleMadeView: {
            /** @description A rule that was made. */
            data: components["schemas"]["RuleView"] & {
                /** @description What the job of a heartbeat calls, with POST or GET; it is not shown again. */
                heartbeat_url?: string | null;
            };
        };
        Data_RuleView: {
            data: {
                /** Format: int32 */
                cooldown_seconds: number;
                /** Format: date-time */
                created_at: string;
                description: string;
                enabled: boolean;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /** Format: int32 */
                for_seconds: number;
                id: components["schemas"]["AlertRuleId"];
                /** Format: int32 */
                keep_firing_for_seconds: number;
                labels: components["schemas"]["Labels"];
                /** @description Why the last evaluation failed; null when it did not. */
                last_error?: string | null;
                /** Format: date-time */
                last_evaluated_at?: string | null;
                name: string;
                params: Record<string, never>;
                runbook_url?: string | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /**
                 * @description `error_count`, `error_rate`, `new_pattern`, `log_query`, `silence`, `deployment_failure`, `deploy_regression` or
                 *     `heartbeat`.
                 */
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
        Data_SilenceView: {
            data: {
                author: string;
                /** Format: date-time */
                created_at: string;
                /**
                 * Format: date-time
                 * @description When somebody ended it before its time; null otherwise.
                 */
                ended_at?: string | null;
                ended_by?: string | null;
                /** Format: date-time */
                ends_at: string;
                /**
                 * Format: int64
                 * @description Notifications that it holds back, or held back last: `GET /api/notifications?silence_id=…` lists them.
                 */
                held: number;
                id: components["schemas"]["SilenceId"];
                matcher: components["schemas"]["Matcher"];
                reason: string;
                /** Format: date-time */
                starts_at: string;
            };
        };
        Data_Swept: {
            /** @description What a sweep did. */
            data: {
                evaluated: number;
                /** @description Rules that could not be evaluated; each says why in its `last_error`. */
                failed: number;
                /** @description Firings that joined an incident that was open. */
                joined: number;
                /** @description Rules that there was no time for. */
                left: number;
                /** @description Incidents that opened. */
                opened: number;
                /** @description Incidents that opened again, since their problem came back. */
                reopened: number;
                /** @description Incidents that resolved. */
                resolved: number;
                /** @description Incidents that were snoozed and are not any more. */
                woken: number;
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
        Data_Vec_RouteView: {
            data: {
                /** @description Whom it tells; nobody when empty. */
                channel_ids: components["schemas"]["ChannelId"][];
                /** @description Whether the routes behind it are asked as well when it matches. */
                continues: boolean;
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                id: components["schemas"]["RouteId"];
                matcher: components["schemas"]["Matcher"];
                name: string;
                /** Format: date-time */
                updated_at: string;
            }[];
        };
        Data_Vec_VersionView: {
            data: {
                /** Format: date-time */
                created_at: string;
                definition: Record<string, never>;
                /** Format: int32 */
                version: number;
            }[];
        };
        Data_Vec_WouldBeTold: {
            data: {
                channel_id: components["schemas"]["ChannelId"];
                channel_name: string;
                channel_type: components["schemas"]["ChannelType"];
                chosen_by: components["schemas"]["ChosenBy"];
                held?: components["schemas"]["HeldBack"] | null;
                told: boolean;
            }[];
        };
        Data_WindowView: {
            data: {
                author: string;
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                /**
                 * Format: int64
                 * @description Notifications that it holds back, or held back last: `GET /api/notifications?window_id=…` lists them.
                 */
                held: number;
                id: components["schemas"]["MaintenanceWindowId"];
                matcher: components["schemas"]["Matcher"];
                name: string;
                /** @description The present one, if it is one, and those that follow. */
                next: components["schemas"]["OccurrenceView"][];
                reason: string;
                schedule: components["schemas"]["Schedule"];
                /** Format: date-time */
                updated_at: string;
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
        DeploymentId: string;
        /**
         * @description Where a deployment stands.
         * @enum {string}
         */
        DeploymentStatus: "pending" | "in_progress" | "success" | "failure" | "cancelled" | "superseded";
        /**
         * @description What a rule is for, in the words of its makers: at most 2,000 characters; line breaks and tabs are the only control
         *     characters in it.
         */
        Description: string;
        /** @description A field that differs. */
        DifferenceView: {
            /** @description Null: it is not set. */
            in_force?: Record<string, never> | null;
            path: string;
            wanted?: Record<string, never> | null;
        };
        /** @description A rule that is only tried: what decides of it. */
        Draft: {
            /** Format: int32 */
            cooldown_seconds?: number;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /** Format: int32 */
            for_seconds?: number;
            /** Format: int32 */
            keep_firing_for_seconds?: number;
            /** @description As of a rule of this type. */
            params: Record<string, never>;
            service_id?: components["schemas"]["ServiceId"] | null;
            type: components["schemas"]["RuleType"];
        };
        /** Format: uuid */
        EnvironmentId: string;
        /** @description When a rule would have fired in one place. */
        EpisodeView: {
            /** Format: date-time */
            begin: string;
            /**
             * Format: date-time
             * @description Null: it fires still.
             */
            end?: string | null;
            environment_id: components["schemas"]["EnvironmentId"];
            /** @description The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither. */
            group?: Record<string, never> | null;
            /**
             * Format: double
             * @description The worst value, and what it was compared with.
             */
            peak: number;
            service_id: components["schemas"]["ServiceId"];
            /** Format: double */
            threshold: number;
        };
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
        EventKind: "opened" | "acknowledged" | "resolved" | "firing_held" | "firing_ended" | "severity_changed" | "title_changed" | "note" | "notification_enqueued" | "notification_sent" | "notification_failed" | "notification_dead" | "notification_revived" | "nobody_told" | "notification_held" | "notification_released" | "notification_unknown" | "reopened" | "assigned" | "snoozed" | "snooze_ended" | "merged" | "took_in" | "firing_joined";
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
        /** @description How one transition reached, or did not reach, one channel. */
        Explanation: {
            /** @description The step that decided, in words. */
            because: string;
            channel_id?: components["schemas"]["ChannelId"] | null;
            channel_name?: string | null;
            notification_id: components["schemas"]["NotificationJobId"];
            state: components["schemas"]["JobState"];
            steps: components["schemas"]["Step"][];
            /** @description Whether the channel was told. */
            told: boolean;
            transition: components["schemas"]["NotifiedTransition"];
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
            /** @description The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither. */
            group?: Record<string, never> | null;
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
        /** @description One of the problems that an incident is about, and how it came to be told with it. */
        FoldedFiring: {
            /** @description In words. */
            because: string;
            /** Format: date-time */
            cleared_at?: string | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /** Format: int64 */
            firings: number;
            /** Format: date-time */
            first_fired_at: string;
            member_id: components["schemas"]["IncidentMemberId"];
            row: components["schemas"]["RowRef"];
            rule_id?: components["schemas"]["AlertRuleId"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            title: string;
        };
        /** @description At most 10,000 characters, not blank; line breaks and tabs are the only control characters in it. */
        FreeText: string;
        HeartbeatUrlView: {
            /** @example https://sightline.example.com/api/v1/heartbeats/slh_… */
            heartbeat_url: string;
        };
        /** @description What may be seen of a heartbeat's address, and when it was called last. */
        HeartbeatView: {
            /** Format: date-time */
            last_beat_at?: string | null;
            token_prefix: string;
        };
        /** @description What holds a notification back. */
        HeldBack: {
            /** @enum {string} */
            held_by: "silence";
            reason: string;
            silence_id: components["schemas"]["SilenceId"];
            /** Format: date-time */
            until: string;
        } | {
            /** @enum {string} */
            held_by: "maintenance";
            name: string;
            /** Format: date-time */
            until: string;
            window_id: components["schemas"]["MaintenanceWindowId"];
        } | {
            /** @enum {string} */
            held_by: "channel_disabled";
        } | {
            /** @enum {string} */
            held_by: "channel_paused";
        } | {
            /** @enum {string} */
            held_by: "opening_held";
        } | {
            /** @enum {string} */
            held_by: "snoozed";
            /** Format: date-time */
            until: string;
        };
        /** @description What is known around an incident's opening. Each part may be partial by itself, and says why. */
        IncidentContextView: {
            /** @description What was deployed there last before it opened, the newest first; at most three. */
            deployments: components["schemas"]["ContextPart_ContextDeployment"];
            /**
             * Format: date-time
             * @description Lines of this window are held against those of the window before it, which is as long.
             */
            from: string;
            incident_id: components["schemas"]["IncidentId"];
            /** @description The newest of its lines when it opened; at most three. */
            lines: components["schemas"]["ContextPart_ContextLine"];
            /** @description Templates of errors that are new or risen, the most telling first; at most five. */
            patterns: components["schemas"]["ContextPart_ContextPattern"];
            /** @description Earlier incidents of the same problem, rule or service; at most five. */
            similar: components["schemas"]["ContextPart_SimilarIncident"];
            /** Format: date-time */
            to: string;
            /** @description Values of fields that its lines have more often than all lines there, the most telling first; at most five. */
            values: components["schemas"]["ContextPart_ContextValue"];
        };
        /** @description An incident with its newest 500 events, oldest first, and its newest 100 notifications, newest first. */
        IncidentDetailView: components["schemas"]["IncidentView"] & {
            /** Format: int64 */
            clear: number;
            /**
             * Format: int64
             * @description Of all its problems, how many fire, and how many are clear.
             */
            firing: number;
            /** @description The problems that it is about, those that fired first first; at most 100 of them. */
            members: components["schemas"]["IncidentMemberView"][];
            /** @description The incidents that became part of it, newest first; at most 100 of them. */
            merged: components["schemas"]["MergedIncidentView"][];
            notifications: components["schemas"]["NotificationDetailView"][];
            timeline: components["schemas"]["EventView"][];
        };
        /** Format: uuid */
        IncidentEventId: string;
        /** @description An incident, and how each of its transitions reached each channel, or why not. At most 1,000 of them, newest first. */
        IncidentExplanation: {
            /**
             * @description The problems that it is about, those that fired first first, at most 100; at one place where a place is explained.
             *     `/api/incidents/{id}/members` has them all.
             */
            firings: components["schemas"]["FoldedFiring"][];
            /** @description Times at which the rule would have fired again, and what held it. */
            held_firings: Record<string, never>[];
            incident: components["schemas"]["IncidentView"];
            notifications: components["schemas"]["Explanation"][];
        };
        /** Format: uuid */
        IncidentId: string;
        /**
         * @description How an earlier incident is like this one.
         * @enum {string}
         */
        IncidentLikeness: "problem" | "rule" | "service";
        /**
         * Format: uuid
         * @description One of the problems that an incident is about.
         */
        IncidentMemberId: string;
        /** @description One of the problems that an incident is about. */
        IncidentMemberView: {
            /**
             * Format: date-time
             * @description Null while it fires.
             */
            cleared_at?: string | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /**
             * Format: int64
             * @example 2
             */
            firings: number;
            /** Format: date-time */
            first_fired_at: string;
            id: components["schemas"]["IncidentMemberId"];
            /** Format: date-time */
            last_fired_at: string;
            merged_from?: components["schemas"]["IncidentId"] | null;
            rule_id?: components["schemas"]["AlertRuleId"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            /**
             * @description What was seen when it last fired.
             * @example 27 errors in the last 60 s (threshold 20)
             */
            summary: string;
            /** @example too many errors: checkout / production */
            title: string;
        };
        /** @description An incident of these days where the rule looks. */
        IncidentMetView: {
            /** @description Whether the candidate fires at that time and place. */
            caught: boolean;
            /** @description The same of the version in force; null without one to compare with. */
            caught_in_force?: boolean | null;
            id: components["schemas"]["IncidentId"];
            /** Format: date-time */
            opened_at: string;
            /** Format: date-time */
            resolved_at?: string | null;
            title: string;
        };
        /**
         * @description Unless an organisation says otherwise: 600, 10, 60.
         * @example {
         *       "reopen_seconds": 600,
         *       "storm_threshold": 10,
         *       "storm_window_seconds": 60
         *     }
         */
        IncidentSettingsView: {
            /**
             * Format: int32
             * @description For how long after its end a problem that comes back is the same incident; 0 to 86,400, and 0 for never.
             */
            reopen_seconds: number;
            /**
             * Format: int32
             * @description So many firings of one rule, or at one service, within the window are one incident, 2 to 10,000; null for never.
             */
            storm_threshold?: number | null;
            /**
             * Format: int32
             * @description 5 to 3,600.
             */
            storm_window_seconds: number;
        };
        /**
         * @description Who opened an incident.
         * @enum {string}
         */
        IncidentSource: "rule" | "manual" | "alertmanager" | "channel";
        /**
         * @description Where an incident stands.
         * @enum {string}
         */
        IncidentStatus: "open" | "acknowledged" | "resolved";
        IncidentView: {
            /** Format: date-time */
            acknowledged_at?: string | null;
            acknowledged_by?: components["schemas"]["UserId"] | null;
            assignee_id?: components["schemas"]["UserId"] | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /**
             * Format: int64
             * @description Firings that it is about.
             * @example 37
             */
            firings: number;
            id: components["schemas"]["IncidentId"];
            labels: components["schemas"]["Labels"];
            /** Format: date-time */
            last_fired_at?: string | null;
            merged_into?: components["schemas"]["IncidentId"] | null;
            /** Format: date-time */
            opened_at: string;
            /**
             * Format: date-time
             * @description When it was last opened again, and how often that was.
             */
            reopened_at?: string | null;
            /** Format: int32 */
            reopened_times: number;
            /** Format: date-time */
            resolved_at?: string | null;
            resolved_by?: components["schemas"]["UserId"] | null;
            rule_id?: components["schemas"]["AlertRuleId"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            /**
             * Format: date-time
             * @description Until then it tells nobody; null unless it is snoozed.
             */
            snoozed_until?: string | null;
            source: components["schemas"]["IncidentSource"];
            status: components["schemas"]["IncidentStatus"];
            storm_of?: components["schemas"]["StormOf"] | null;
            summary: string;
            title: string;
            /** Format: date-time */
            updated_at: string;
        };
        /**
         * @description Where a notification stands.
         * @enum {string}
         */
        JobState: "pending" | "claimed" | "sent" | "dead" | "unknown" | "held" | "unrouted";
        /**
         * @description How a pattern changed.
         * @enum {string}
         */
        Kind: "new" | "gone" | "risen" | "fallen";
        /** @description Name and value pairs of a rule or of an alert from outside, within bounds. */
        Labels: {
            [key: string]: string;
        };
        /**
         * @description Levels in rising order. Stored as the smallint `code()`, which sorts the same way.
         * @enum {string}
         */
        Level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
        /** Format: uuid */
        MaintenanceWindowId: string;
        /**
         * @description What must hold of an incident; what is absent may be anything, so the default matches everything.
         * @example {
         *       "labels": {
         *         "team": "payments"
         *       },
         *       "min_severity": "high"
         *     }
         */
        Matcher: {
            /** @default null */
            environment_id: components["schemas"]["EnvironmentId"] | null;
            /**
             * @description Each of them must be there with this value.
             * @default {}
             */
            labels: components["schemas"]["Labels"];
            /** @default null */
            max_severity: components["schemas"]["Severity"] | null;
            /** @default null */
            min_severity: components["schemas"]["Severity"] | null;
            /** @default null */
            rule_id: components["schemas"]["AlertRuleId"] | null;
            /** @default null */
            service_id: components["schemas"]["ServiceId"] | null;
        };
        /**
         * @example {
         *       "into": "0b9a4f0e-52a5-4d6f-9b61-6ad58f1746e7",
         *       "reason": "the same outage of the database"
         *     }
         */
        MergeIncidentRequest: {
            /** @description The incident that goes on with the story of both. */
            into: components["schemas"]["IncidentId"];
            reason?: components["schemas"]["FreeText"] | null;
        };
        /** @description An incident that became part of another. */
        MergedIncidentView: {
            id: components["schemas"]["IncidentId"];
            /** Format: date-time */
            opened_at: string;
            /**
             * Format: date-time
             * @description When it was merged.
             */
            resolved_at?: string | null;
            title: string;
        };
        /** @description A moment at a place: the incidents that were not over, each explained, and every rule that looks there. */
        MomentExplanation: {
            /** Format: date-time */
            at: string;
            incidents: components["schemas"]["IncidentExplanation"][];
            rules: components["schemas"]["RuleExplanation"][];
        };
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
            channel_id?: components["schemas"]["ChannelId"] | null;
            channel_name?: string | null;
            channel_type?: components["schemas"]["ChannelType"] | null;
            chosen_by?: components["schemas"]["ChosenBy"] | null;
            /** Format: date-time */
            created_at: string;
            held?: components["schemas"]["HeldBack"] | null;
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
        NotifiedTransition: "opened" | "acknowledged" | "resolved" | "reopened" | "raised" | "reminded";
        /** @description One window, in time. */
        OccurrenceView: {
            /** Format: date-time */
            ends_at: string;
            /** Format: date-time */
            starts_at: string;
        };
        /**
         * @description What to do when nobody knows whether a message arrived, and the receiver would not recognise it a second time.
         * @enum {string}
         */
        OnUnknown: "at_least_once" | "at_most_once";
        OrderRequest: {
            /** @description Every route once, in the order in which they are to be asked. */
            ids: components["schemas"]["RouteId"][];
        };
        /**
         * Format: uuid
         * @description The tenant. Every stored tenant row belongs to exactly one.
         */
        OrgId: string;
        /** @description What one rule would have done. */
        OutcomeView: {
            /** @description All of them; the newest 500 are listed. */
            episode_count: number;
            /** @description Newest first. */
            episodes: components["schemas"]["EpisodeView"][];
            incidents_caught: number;
            incidents_missed: number;
            /** Format: double */
            pages_per_week: number;
            /** @description Newest first; the newest 2,000. */
            transitions: components["schemas"]["ReplayedTransitionView"][];
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_ChannelView: {
            data: {
                /**
                 * Format: int32
                 * @description Failed attempts since the last success.
                 */
                consecutive_failures: number;
                /** Format: date-time */
                created_at: string;
                /** @description Whether the receiver recognises a message that it had before, so that a repeat does no harm. */
                dedupes: boolean;
                enabled: boolean;
                /** @description The host of its address and the last four characters: all that is shown of the configuration. */
                hint: string;
                id: components["schemas"]["ChannelId"];
                name: string;
                /** @description What is done when nobody knows whether a message arrived, and the receiver would not recognise it a second time. */
                on_unknown: components["schemas"]["OnUnknown"];
                /**
                 * Format: date-time
                 * @description Since when it takes nothing because it kept failing; null when it is in use.
                 */
                paused_at?: string | null;
                paused_reason?: string | null;
                type: components["schemas"]["ChannelType"];
                /** Format: date-time */
                updated_at: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_IncidentMemberView: {
            data: {
                /**
                 * Format: date-time
                 * @description Null while it fires.
                 */
                cleared_at?: string | null;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /**
                 * Format: int64
                 * @example 2
                 */
                firings: number;
                /** Format: date-time */
                first_fired_at: string;
                id: components["schemas"]["IncidentMemberId"];
                /** Format: date-time */
                last_fired_at: string;
                merged_from?: components["schemas"]["IncidentId"] | null;
                rule_id?: components["schemas"]["AlertRuleId"] | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /**
                 * @description What was seen when it last fired.
                 * @example 27 errors in the last 60 s (threshold 20)
                 */
                summary: string;
                /** @example too many errors: checkout / production */
                title: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_IncidentView: {
            data: {
                /** Format: date-time */
                acknowledged_at?: string | null;
                acknowledged_by?: components["schemas"]["UserId"] | null;
                assignee_id?: components["schemas"]["UserId"] | null;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /**
                 * Format: int64
                 * @description Firings that it is about.
                 * @example 37
                 */
                firings: number;
                id: components["schemas"]["IncidentId"];
                labels: components["schemas"]["Labels"];
                /** Format: date-time */
                last_fired_at?: string | null;
                merged_into?: components["schemas"]["IncidentId"] | null;
                /** Format: date-time */
                opened_at: string;
                /**
                 * Format: date-time
                 * @description When it was last opened again, and how often that was.
                 */
                reopened_at?: string | null;
                /** Format: int32 */
                reopened_times: number;
                /** Format: date-time */
                resolved_at?: string | null;
                resolved_by?: components["schemas"]["UserId"] | null;
                rule_id?: components["schemas"]["AlertRuleId"] | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /**
                 * Format: date-time
                 * @description Until then it tells nobody; null unless it is snoozed.
                 */
                snoozed_until?: string | null;
                source: components["schemas"]["IncidentSource"];
                status: components["schemas"]["IncidentStatus"];
                storm_of?: components["schemas"]["StormOf"] | null;
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
                channel_id?: components["schemas"]["ChannelId"] | null;
                channel_name?: string | null;
                channel_type?: components["schemas"]["ChannelType"] | null;
                chosen_by?: components["schemas"]["ChosenBy"] | null;
                /** Format: date-time */
                created_at: string;
                held?: components["schemas"]["HeldBack"] | null;
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
                description: string;
                enabled: boolean;
                environment_id?: components["schemas"]["EnvironmentId"] | null;
                /** Format: int32 */
                for_seconds: number;
                id: components["schemas"]["AlertRuleId"];
                /** Format: int32 */
                keep_firing_for_seconds: number;
                labels: components["schemas"]["Labels"];
                /** @description Why the last evaluation failed; null when it did not. */
                last_error?: string | null;
                /** Format: date-time */
                last_evaluated_at?: string | null;
                name: string;
                params: Record<string, never>;
                runbook_url?: string | null;
                service_id?: components["schemas"]["ServiceId"] | null;
                severity: components["schemas"]["Severity"];
                /**
                 * @description `error_count`, `error_rate`, `new_pattern`, `log_query`, `silence`, `deployment_failure`, `deploy_regression` or
                 *     `heartbeat`.
                 */
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
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_SilenceView: {
            data: {
                author: string;
                /** Format: date-time */
                created_at: string;
                /**
                 * Format: date-time
                 * @description When somebody ended it before its time; null otherwise.
                 */
                ended_at?: string | null;
                ended_by?: string | null;
                /** Format: date-time */
                ends_at: string;
                /**
                 * Format: int64
                 * @description Notifications that it holds back, or held back last: `GET /api/notifications?silence_id=…` lists them.
                 */
                held: number;
                id: components["schemas"]["SilenceId"];
                matcher: components["schemas"]["Matcher"];
                reason: string;
                /** Format: date-time */
                starts_at: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_WindowView: {
            data: {
                author: string;
                /** Format: date-time */
                created_at: string;
                enabled: boolean;
                /**
                 * Format: int64
                 * @description Notifications that it holds back, or held back last: `GET /api/notifications?window_id=…` lists them.
                 */
                held: number;
                id: components["schemas"]["MaintenanceWindowId"];
                matcher: components["schemas"]["Matcher"];
                name: string;
                /** @description The present one, if it is one, and those that follow. */
                next: components["schemas"]["OccurrenceView"][];
                reason: string;
                schedule: components["schemas"]["Schedule"];
                /** Format: date-time */
                updated_at: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description A request. Fields that are not used are not read, so that newer versions are taken. */
        Payload: {
            alerts: components["schemas"]["Alert"][];
            /** @description `4`. */
            version: string;
        };
        PointView: {
            /**
             * Format: date-time
             * @description The end of the stretch that it stands for.
             */
            at: string;
            /** @description Whether the condition held with it. */
            holds: boolean;
            /**
             * Format: double
             * @description What that value was compared with.
             */
            threshold?: number | null;
            /**
             * Format: double
             * @description The worst value of the stretch; null where nothing can be said.
             */
            value?: number | null;
        };
        /**
         * @example {
         *       "at": "2026-11-29T02:30:00Z",
         *       "labels": {
         *         "team": "payments"
         *       },
         *       "severity": "high"
         *     }
         */
        PreviewRequest: {
            /**
             * Format: date-time
             * @description Now when absent. Silences that begin until then count; those that are over by now do not.
             */
            at?: string | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            labels?: components["schemas"]["Labels"];
            rule_id?: components["schemas"]["AlertRuleId"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
        };
        PreviewView: {
            /** Format: date-time */
            from: string;
            /** @description Places that are not in `series`. */
            left_out: number;
            /** @description Those that come closest to firing first; at most 20. */
            series: components["schemas"]["SeriesView"][];
            /**
             * Format: int64
             * @description Between two points.
             */
            step_seconds: number;
            /**
             * Format: double
             * @description Null where it differs from point to point.
             */
            threshold?: number | null;
            /** Format: date-time */
            to: string;
        };
        /**
         * @description Why a fingerprint is in its state: the answer to "why was I (not) told?".
         * @enum {string}
         */
        Reason: "not_met" | "waiting" | "cooling_down" | "met" | "clearing" | "settled" | "no_data" | "rule_disabled" | "rule_deleted" | "out_of_scope";
        /** @description What a request changed. */
        ReceivedView: {
            alerts: number;
            /** @description Alerts that joined an incident that was open. */
            joined: number;
            /** @description Incidents that opened. */
            opened: number;
            /** @description Incidents that opened again, since their problem came back. */
            reopened: number;
            /** @description Incidents that resolved. */
            resolved: number;
        };
        /** @description A step of the evaluator. */
        ReplayedTransitionView: {
            /** Format: date-time */
            at: string;
            environment_id: components["schemas"]["EnvironmentId"];
            group?: Record<string, never> | null;
            reason: components["schemas"]["Reason"];
            service_id: components["schemas"]["ServiceId"];
            /** @description pending, held, fired, dropped or ended. */
            transition: string;
            /** Format: double */
            value?: number | null;
        };
        /** @description What a retry of many did. */
        RetriedView: {
            /** @description Whether there may be more: ask again. */
            more: boolean;
            retried: number;
        };
        /**
         * @description Which notifications are tried again. At least one field is needed; `{"all": true}` means all that were given up.
         * @example {
         *       "created_from": "2026-11-29T20:00:00Z"
         *     }
         */
        RetryManyRequest: {
            all?: boolean;
            channel_id?: components["schemas"]["ChannelId"] | null;
            /** Format: date-time */
            created_from?: string | null;
            /**
             * Format: date-time
             * @description Not included.
             */
            created_until?: string | null;
            incident_id?: components["schemas"]["IncidentId"] | null;
            /** @description Also those that may have arrived (state unknown). */
            with_unknown?: boolean;
        };
        RotateRequest: {
            /**
             * Format: int32
             * @description For how long the secret before signs too, in hours, 0 to 168; 24 when absent.
             */
            overlap_hours?: number | null;
        };
        /**
         * Format: uuid
         * @description A rule of who is told.
         */
        RouteId: string;
        RouteView: {
            /** @description Whom it tells; nobody when empty. */
            channel_ids: components["schemas"]["ChannelId"][];
            /** @description Whether the routes behind it are asked as well when it matches. */
            continues: boolean;
            /** Format: date-time */
            created_at: string;
            enabled: boolean;
            id: components["schemas"]["RouteId"];
            matcher: components["schemas"]["Matcher"];
            name: string;
            /** Format: date-time */
            updated_at: string;
        };
        /** @description Where a step is on record. */
        RowRef: {
            /** @description Its key within the organisation. */
            id: string;
            table: string;
        };
        RuleBody: {
            /**
             * Format: int32
             * @description How long after firing it does not fire again, 0 to 604800; 0 when absent.
             */
            cooldown_seconds?: number;
            description?: components["schemas"]["Description"];
            /** @description True when absent. */
            enabled?: boolean | null;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /**
             * Format: int32
             * @description How long the condition must hold before the rule fires, 0 to 86400; 0 when absent.
             */
            for_seconds?: number;
            /**
             * Format: int32
             * @description How long the condition must be false before a firing ends, 0 to 86400; at least the window of a rule that counts.
             */
            keep_firing_for_seconds?: number;
            /** @description At most 20. */
            labels?: components["schemas"]["Labels"];
            name: components["schemas"]["Name"];
            /**
             * @description By type. `error_count`: threshold, window_seconds. `error_rate`: threshold_percent, window_seconds, min_lines.
             *     `new_pattern`: since (ever, last_deployment, previous_deployment, or {days: 1 to 30}; ever when absent), min_count,
             *     window_minutes.
             *     `log_query`: q, threshold, comparison (at_least or below), window_seconds, group_by (up to two fields). `silence`:
             *     window_seconds. `deployment_failure`: {}. `deploy_regression`: window_seconds, min_errors, factor. `heartbeat`:
             *     every_seconds, grace_seconds.
             */
            params: Record<string, never>;
            runbook_url?: components["schemas"]["RunbookUrl"] | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            type: components["schemas"]["RuleType"];
        };
        RuleDetailView: components["schemas"]["RuleView"] & {
            firings: components["schemas"]["FiringView"][];
            heartbeat?: components["schemas"]["HeartbeatView"] | null;
            /** @description What it decided lately, newest first. */
            transitions: components["schemas"]["TransitionView"][];
        };
        /**
         * @description A rule that looks at the place, and why it fires there or not. One that groups, or looks for patterns, is there once for
         *     each group that it found.
         */
        RuleExplanation: {
            /**
             * Format: date-time
             * @description The moment that `state` and `because` are of: when the rule was last evaluated, or the one that was asked for, if the
             *     rule has come so far.
             */
            as_of?: string | null;
            because: string;
            /** @description The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither. */
            group?: Record<string, never> | null;
            incident_id?: components["schemas"]["IncidentId"] | null;
            /** Format: date-time */
            last_fired_at?: string | null;
            /**
             * Format: double
             * @description What `state` was decided by.
             */
            last_value?: number | null;
            name: string;
            /** Format: date-time */
            pending_since?: string | null;
            row: components["schemas"]["RowRef"];
            rule_id: components["schemas"]["AlertRuleId"];
            /** @description inactive, pending or firing; null where it never found anything. */
            state?: string | null;
            /**
             * Format: int32
             * @description The version that was in force.
             */
            version: number;
        };
        /** @description A rule that was made. */
        RuleMadeView: components["schemas"]["RuleView"] & {
            /** @description What the job of a heartbeat calls, with POST or GET; it is not shown again. */
            heartbeat_url?: string | null;
        };
        /** @description A draft, or a rule as it is in force. */
        RulePreviewRequest: {
            draft?: components["schemas"]["Draft"] | null;
            /**
             * Format: date-time
             * @description Six hours before `to` when absent; at most seven days before it.
             */
            from?: string | null;
            rule_id?: components["schemas"]["AlertRuleId"] | null;
            /**
             * Format: date-time
             * @description Now when absent.
             */
            to?: string | null;
        };
        /**
         * @description The kinds of rule.
         * @enum {string}
         */
        RuleType: "error_count" | "error_rate" | "new_pattern" | "log_query" | "silence" | "deployment_failure" | "deploy_regression" | "heartbeat";
        RuleView: {
            /** Format: int32 */
            cooldown_seconds: number;
            /** Format: date-time */
            created_at: string;
            description: string;
            enabled: boolean;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            /** Format: int32 */
            for_seconds: number;
            id: components["schemas"]["AlertRuleId"];
            /** Format: int32 */
            keep_firing_for_seconds: number;
            labels: components["schemas"]["Labels"];
            /** @description Why the last evaluation failed; null when it did not. */
            last_error?: string | null;
            /** Format: date-time */
            last_evaluated_at?: string | null;
            name: string;
            params: Record<string, never>;
            runbook_url?: string | null;
            service_id?: components["schemas"]["ServiceId"] | null;
            severity: components["schemas"]["Severity"];
            /**
             * @description `error_count`, `error_rate`, `new_pattern`, `log_query`, `silence`, `deployment_failure`, `deploy_regression` or
             *     `heartbeat`.
             */
            type: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: int32
             * @description Rises with every change.
             */
            version: number;
        };
        /**
         * @description Where it is written what to do. Only https: people follow it from a page, half asleep.
         * @example https://runbooks.example.com/checkout
         */
        RunbookUrl: string;
        /** @description When windows begin and how long they last. */
        Schedule: {
            /** @description The days on which a window begins, by the zone's calendar; each at most once. */
            days: components["schemas"]["Weekday"][];
            /**
             * Format: int32
             * @description How long it lasts on that wall clock, in minutes, at most a week.
             */
            duration_minutes: number;
            /** @description When it begins, on the zone's wall clock. */
            start: components["schemas"]["TimeOfDay"];
            time_zone: components["schemas"]["Zone"];
        };
        SeriesView: {
            environment: string;
            environment_id: components["schemas"]["EnvironmentId"];
            /** @description The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither. */
            group?: Record<string, never> | null;
            points: components["schemas"]["PointView"][];
            service: string;
            service_id: components["schemas"]["ServiceId"];
        };
        /** Format: uuid */
        ServiceId: string;
        /**
         * @description In rising order.
         * @enum {string}
         */
        Severity: "low" | "medium" | "high" | "critical";
        /** Format: uuid */
        SilenceId: string;
        SilenceView: {
            author: string;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description When somebody ended it before its time; null otherwise.
             */
            ended_at?: string | null;
            ended_by?: string | null;
            /** Format: date-time */
            ends_at: string;
            /**
             * Format: int64
             * @description Notifications that it holds back, or held back last: `GET /api/notifications?silence_id=…` lists them.
             */
            held: number;
            id: components["schemas"]["SilenceId"];
            matcher: components["schemas"]["Matcher"];
            reason: string;
            /** Format: date-time */
            starts_at: string;
        };
        Step: {
            /** Format: date-time */
            at?: string | null;
            /**
             * Format: int32
             * @description What an answer of the receiver was, in an attempt.
             */
            http_status?: number | null;
            /**
             * @description The page of the dashboard with the lines that decided, where they are those of one pattern.
             * @example /logs?q=service%3Ashop+%22disk%22+%22is+full%22
             */
            lines?: string | null;
            /** @description For people. */
            message: string;
            row?: components["schemas"]["RowRef"] | null;
            step: components["schemas"]["StepKind"];
            verdict: components["schemas"]["Verdict"];
        };
        /**
         * @description What a step looked at.
         * @enum {string}
         */
        StepKind: "evaluation" | "grouping" | "silence" | "routing" | "channel" | "attempt";
        /**
         * @description What a storm is of.
         * @enum {string}
         */
        StormOf: "rule" | "service";
        /** @description What a sweep did. */
        Swept: {
            evaluated: number;
            /** @description Rules that could not be evaluated; each says why in its `last_error`. */
            failed: number;
            /** @description Firings that joined an incident that was open. */
            joined: number;
            /** @description Rules that there was no time for. */
            left: number;
            /** @description Incidents that opened. */
            opened: number;
            /** @description Incidents that opened again, since their problem came back. */
            reopened: number;
            /** @description Incidents that resolved. */
            resolved: number;
            /** @description Incidents that were snoozed and are not any more. */
            woken: number;
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
        /**
         * @description A time of day, `HH:MM`.
         * @example 02:30
         */
        TimeOfDay: string;
        /** @description Something that the rule decided. */
        TransitionView: {
            /**
             * Format: date-time
             * @description The moment that was judged: the end of a step.
             */
            at: string;
            detail: string;
            environment_id?: components["schemas"]["EnvironmentId"] | null;
            incident_id?: components["schemas"]["IncidentId"] | null;
            reason: string;
            /**
             * Format: date-time
             * @description When it was noticed.
             */
            recorded_at: string;
            /** Format: int32 */
            rule_version: number;
            service_id?: components["schemas"]["ServiceId"] | null;
            /** Format: double */
            threshold?: number | null;
            /** @description pending, held, fired, dropped or ended. */
            transition: string;
            /** Format: double */
            value?: number | null;
        };
        /** Format: uuid */
        UserId: string;
        /**
         * @description What a step decided.
         * @enum {string}
         */
        Verdict: "passed" | "stopped" | "waiting";
        /** @description What a version of a rule said. */
        VersionView: {
            /** Format: date-time */
            created_at: string;
            definition: Record<string, never>;
            /** Format: int32 */
            version: number;
        };
        /** @enum {string} */
        Weekday: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
        WindowView: {
            author: string;
            /** Format: date-time */
            created_at: string;
            enabled: boolean;
            /**
             * Format: int64
             * @description Notifications that it holds back, or held back last: `GET /api/notifications?window_id=…` lists them.
             */
            held: number;
            id: components["schemas"]["MaintenanceWindowId"];
            matcher: components["schemas"]["Matcher"];
            name: string;
            /** @description The present one, if it is one, and those that follow. */
            next: components["schemas"]["OccurrenceView"][];
            reason: string;
            schedule: components["schemas"]["Schedule"];
            /** Format: date-time */
            updated_at: string;
        };
        /** @description Whether one channel would be told. */
        WouldBeTold: {
            channel_id: components["schemas"]["ChannelId"];
            channel_name: string;
            channel_type: components["schemas"]["ChannelType"];
            chosen_by: components["schemas"]["ChosenBy"];
            held?: components["schemas"]["HeldBack"] | null;
            told: boolean;
        };
        /** @description A channel as it is answered once, right after it was made or changed. */
        WrittenChannelView: components["schemas"]["ChannelView"] & {
            /**
             * @description The signing secret that was made for a webhook, to be given to the receiver. It is not shown again; null when
             *     none was made.
             */
            secret?: string | null;
        };
        /**
         * @description A time zone of the IANA database, in the version that this program was built with: what a schedule means depends on no
         *     file of the machine.
         * @example Europe/Berlin
         */
        Zone: string;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

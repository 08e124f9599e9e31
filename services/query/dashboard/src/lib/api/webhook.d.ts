// Made by scripts/types.mjs from the OpenAPI document of webhook.
export interface paths {
    "/api/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deployments of the organisation, those reported first most recently on top. */
        get: {
            parameters: {
                query?: {
                    service_id?: components["schemas"]["ServiceId"];
                    environment_id?: components["schemas"]["EnvironmentId"];
                    status?: components["schemas"]["DeploymentStatus"];
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
                        "application/json": components["schemas"]["Page_DeploymentView"];
                    };
                };
                400: {
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
    "/api/deployments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One deployment with its history. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["DeploymentId"];
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
                        "application/json": components["schemas"]["Data_DeploymentDetail"];
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
    "/api/services/{id}/github": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The integration of a service, without its secret. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ServiceId"];
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
                        "application/json": components["schemas"]["Data_IntegrationView"];
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
        /** Connects a service to a repository, or changes the connection. The answer that makes a secret shows it, once. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ServiceId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SaveIntegrationRequest"];
                };
            };
            responses: {
                /** @description Changed; with a new secret if one was asked for */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IntegrationView"];
                    };
                };
                /** @description Connected; with the secret */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_IntegrationView"];
                    };
                };
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
            };
        };
        post?: never;
        /** Disconnects a service: deliveries are refused from then on, and those received are forgotten. Deployments stay. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ServiceId"];
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
    "/api/v1/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reports a status of a deployment; for CI that is not GitHub. The service is the key's. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReportRequest"];
                };
            };
            responses: {
                /** @description The deployment as it stands now; a late or repeated report changes nothing */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_DeploymentView"];
                    };
                };
                /** @description A new deployment */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_DeploymentView"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
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
    "/api/v1/webhooks/github/{integration_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accepts one delivery of a repository's webhook. The answer is sent after the delivery and its effect are committed. */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description sha256= and the hex HMAC-SHA256 of the body */
                    "X-Hub-Signature-256": string;
                    /** @description Recognises a redelivery */
                    "X-GitHub-Delivery": string;
                    /** @description ping, workflow_run, deployment, deployment_status; others are ignored */
                    "X-GitHub-Event": string;
                };
                path: {
                    integration_id: components["schemas"]["IntegrationId"];
                };
                cookie?: never;
            };
            /** @description GitHub's payload, at most MAX_BODY_BYTES long */
            requestBody: {
                content: {
                    "application/json": Record<string, never>;
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_Receipt"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The signature is missing, malformed or wrong */
                401: {
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
                413: {
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
    "/api/webhooks/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deliveries to the organisation's integrations, newest first. */
        get: {
            parameters: {
                query?: {
                    status?: components["schemas"]["DeliveryStatus"];
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
                        "application/json": components["schemas"]["Page_DeliveryView"];
                    };
                };
                400: {
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
    "/api/webhooks/deliveries/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Applies a stored delivery again, by the environment mapping of now. What it tells is as old as it was: it cannot
         *     undo what came later.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["DeliveryId"];
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
                        "application/json": components["schemas"]["Data_DeliveryView"];
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
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Data_DeliveryView: {
            data: {
                /**
                 * Format: int32
                 * @description How often it was applied: once, and once more per replay.
                 */
                attempts: number;
                /** Format: date-time */
                created_at: string;
                /** @description The provider's own id of it. */
                delivery_id: string;
                deployment_id?: components["schemas"]["DeploymentId"] | null;
                /** @description The status in words, with the reason. */
                detail: string;
                event: string;
                id: components["schemas"]["DeliveryId"];
                integration_id: components["schemas"]["IntegrationId"];
                provider: components["schemas"]["Provider"];
                service_id: components["schemas"]["ServiceId"];
                status: components["schemas"]["DeliveryStatus"];
            };
        };
        Data_DeploymentDetail: {
            /** @description A deployment with what was reported about it, in the order in which it happened. */
            data: components["schemas"]["DeploymentView"] & {
                history: components["schemas"]["HistoryView"][];
            };
        };
        Data_DeploymentView: {
            data: {
                actor?: string | null;
                /** Format: int32 */
                attempt: number;
                commit_message?: string | null;
                commit_sha?: string | null;
                /** Format: date-time */
                created_at: string;
                environment_id: components["schemas"]["EnvironmentId"];
                /** @description What the provider calls it. */
                external_id: string;
                /** Format: date-time */
                finished_at?: string | null;
                id: components["schemas"]["DeploymentId"];
                name?: string | null;
                provider: components["schemas"]["Provider"];
                ref?: string | null;
                service_id: components["schemas"]["ServiceId"];
                /** Format: date-time */
                started_at?: string | null;
                status: components["schemas"]["DeploymentStatus"];
                /**
                 * Format: date-time
                 * @description When the status was reached, by the provider's clock.
                 */
                status_at: string;
                /** Format: date-time */
                updated_at: string;
                url?: string | null;
                version?: string | null;
            };
        };
        Data_IntegrationView: {
            data: {
                /** Format: date-time */
                created_at: string;
                environment_mapping: components["schemas"]["EnvironmentMapping"];
                id: components["schemas"]["IntegrationId"];
                repo_name: components["schemas"]["RepoPart"];
                repo_owner: components["schemas"]["RepoPart"];
                /** @description The secret to enter at GitHub. Only in the answer that made it. */
                secret?: string | null;
                service_id: components["schemas"]["ServiceId"];
                /** @description Names in the mapping that the service has no environment of: what they lead to is ignored. */
                unknown_environments: string[];
                /** Format: date-time */
                updated_at: string;
                /** @description The payload URL to enter at GitHub. */
                webhook_url: string;
            };
        };
        Data_Receipt: {
            /** @description What became of a delivery. */
            data: {
                delivery_id?: components["schemas"]["DeliveryId"] | null;
                deployment_id?: components["schemas"]["DeploymentId"] | null;
                /** @description The same in words, with the reason. */
                detail: string;
                status: components["schemas"]["ReceiptStatus"];
            };
        };
        /**
         * Format: uuid
         * @description Our row for one received webhook; the provider's own delivery id is text.
         */
        DeliveryId: string;
        /**
         * @description What became of a delivery that was accepted.
         * @enum {string}
         */
        DeliveryStatus: "applied" | "unchanged" | "ignored";
        DeliveryView: {
            /**
             * Format: int32
             * @description How often it was applied: once, and once more per replay.
             */
            attempts: number;
            /** Format: date-time */
            created_at: string;
            /** @description The provider's own id of it. */
            delivery_id: string;
            deployment_id?: components["schemas"]["DeploymentId"] | null;
            /** @description The status in words, with the reason. */
            detail: string;
            event: string;
            id: components["schemas"]["DeliveryId"];
            integration_id: components["schemas"]["IntegrationId"];
            provider: components["schemas"]["Provider"];
            service_id: components["schemas"]["ServiceId"];
            status: components["schemas"]["DeliveryStatus"];
        };
        /** @description A deployment with what was reported about it, in the order in which it happened. */
        DeploymentDetail: components["schemas"]["DeploymentView"] & {
            history: components["schemas"]["HistoryView"][];
        };
        /** Format: uuid */
        DeploymentId: string;
        /**
         * @description Where a deployment stands.
         * @enum {string}
         */
        DeploymentStatus: "pending" | "in_progress" | "success" | "failure" | "cancelled" | "superseded";
        DeploymentView: {
            actor?: string | null;
            /** Format: int32 */
            attempt: number;
            commit_message?: string | null;
            commit_sha?: string | null;
            /** Format: date-time */
            created_at: string;
            environment_id: components["schemas"]["EnvironmentId"];
            /** @description What the provider calls it. */
            external_id: string;
            /** Format: date-time */
            finished_at?: string | null;
            id: components["schemas"]["DeploymentId"];
            name?: string | null;
            provider: components["schemas"]["Provider"];
            ref?: string | null;
            service_id: components["schemas"]["ServiceId"];
            /** Format: date-time */
            started_at?: string | null;
            status: components["schemas"]["DeploymentStatus"];
            /**
             * Format: date-time
             * @description When the status was reached, by the provider's clock.
             */
            status_at: string;
            /** Format: date-time */
            updated_at: string;
            url?: string | null;
            version?: string | null;
        };
        /** Format: uuid */
        EnvironmentId: string;
        /**
         * @description `{"<workflow, branch or GitHub environment>": "<environment of the service>"}`. `"*"` stands for whatever has no
         *     entry of its own; `null` instead of a name means "not a deployment".
         */
        EnvironmentMapping: {
            [key: string]: string | null;
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
        /** @description One wrong field: `path` is where it stands in the request, such as `params.threshold`. */
        FieldError: {
            message: string;
            path: string;
        };
        HistoryView: {
            /**
             * Format: date-time
             * @description By the provider's clock.
             */
            at: string;
            /** Format: int32 */
            attempt: number;
            /**
             * Format: date-time
             * @description When the report reached Sightline.
             */
            recorded_at: string;
            status: components["schemas"]["DeploymentStatus"];
        };
        /**
         * Format: uuid
         * @description A service's connection to one GitHub repository.
         */
        IntegrationId: string;
        IntegrationView: {
            /** Format: date-time */
            created_at: string;
            environment_mapping: components["schemas"]["EnvironmentMapping"];
            id: components["schemas"]["IntegrationId"];
            repo_name: components["schemas"]["RepoPart"];
            repo_owner: components["schemas"]["RepoPart"];
            /** @description The secret to enter at GitHub. Only in the answer that made it. */
            secret?: string | null;
            service_id: components["schemas"]["ServiceId"];
            /** @description Names in the mapping that the service has no environment of: what they lead to is ignored. */
            unknown_environments: string[];
            /** Format: date-time */
            updated_at: string;
            /** @description The payload URL to enter at GitHub. */
            webhook_url: string;
        };
        /** @description A trimmed, non-empty, single-line text of at most 200 characters without control characters. */
        Name: string;
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_DeliveryView: {
            data: {
                /**
                 * Format: int32
                 * @description How often it was applied: once, and once more per replay.
                 */
                attempts: number;
                /** Format: date-time */
                created_at: string;
                /** @description The provider's own id of it. */
                delivery_id: string;
                deployment_id?: components["schemas"]["DeploymentId"] | null;
                /** @description The status in words, with the reason. */
                detail: string;
                event: string;
                id: components["schemas"]["DeliveryId"];
                integration_id: components["schemas"]["IntegrationId"];
                provider: components["schemas"]["Provider"];
                service_id: components["schemas"]["ServiceId"];
                status: components["schemas"]["DeliveryStatus"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_DeploymentView: {
            data: {
                actor?: string | null;
                /** Format: int32 */
                attempt: number;
                commit_message?: string | null;
                commit_sha?: string | null;
                /** Format: date-time */
                created_at: string;
                environment_id: components["schemas"]["EnvironmentId"];
                /** @description What the provider calls it. */
                external_id: string;
                /** Format: date-time */
                finished_at?: string | null;
                id: components["schemas"]["DeploymentId"];
                name?: string | null;
                provider: components["schemas"]["Provider"];
                ref?: string | null;
                service_id: components["schemas"]["ServiceId"];
                /** Format: date-time */
                started_at?: string | null;
                status: components["schemas"]["DeploymentStatus"];
                /**
                 * Format: date-time
                 * @description When the status was reached, by the provider's clock.
                 */
                status_at: string;
                /** Format: date-time */
                updated_at: string;
                url?: string | null;
                version?: string | null;
            }[];
            next_cursor?: string | null;
        };
        /**
         * @description Who reports.
         * @enum {string}
         */
        Provider: "github" | "api";
        /** @description What became of a delivery. */
        Receipt: {
            delivery_id?: components["schemas"]["DeliveryId"] | null;
            deployment_id?: components["schemas"]["DeploymentId"] | null;
            /** @description The same in words, with the reason. */
            detail: string;
            status: components["schemas"]["ReceiptStatus"];
        };
        /** @enum {string} */
        ReceiptStatus: "applied" | "unchanged" | "ignored" | "duplicate";
        /**
         * @description The owner or the name of a repository: 1 to 100 ASCII letters, digits, dots, dashes and underscores, which is what
         *     GitHub allows in either.
         */
        RepoPart: string;
        /**
         * @description A report. Send one for every status; reports with the same `external_id` are about the same deployment, and may
         *     arrive in any order.
         */
        ReportRequest: {
            /** @description Who or what started it. */
            actor?: string | null;
            /**
             * Format: date-time
             * @description When the status was reached; now when absent. Orders reports of the same attempt.
             */
            at?: string | null;
            /**
             * Format: int32
             * @description Counts up when the same deployment is tried again; 1 when absent. A later attempt replaces what an earlier one
             *     reported.
             */
            attempt?: number | null;
            /** @description Cut after 2,000 characters. */
            commit_message?: string | null;
            commit_sha?: string | null;
            environment?: components["schemas"]["Name"] | null;
            /**
             * @description What you call the deployment, such as the number of a CI run; unique within the service. Made when absent, and
             *     then every report is a deployment of its own.
             */
            external_id?: string | null;
            /**
             * Format: date-time
             * @description When this attempt ended; `at` when absent and the status is a final one.
             */
            finished_at?: string | null;
            /** @description What is deployed, or by which job. */
            name?: string | null;
            /** @description Branch or tag. */
            ref?: string | null;
            /**
             * Format: date-time
             * @description When this attempt began to run; `at` when absent and the status is in_progress.
             */
            started_at?: string | null;
            status: components["schemas"]["DeploymentStatus"];
            /** @description Where to read more; http or https. */
            url?: string | null;
            version?: string | null;
        };
        /** @description The repository whose webhook tells of the service's deployments. */
        SaveIntegrationRequest: {
            environment_mapping?: components["schemas"]["EnvironmentMapping"] | null;
            repo_name: components["schemas"]["RepoPart"];
            repo_owner: components["schemas"]["RepoPart"];
            /** @description Makes a new secret; the old one is refused from then on. */
            rotate_secret?: boolean;
        };
        /** Format: uuid */
        ServiceId: string;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

// Made by scripts/types.mjs from the OpenAPI document of query.
export interface paths {
    "/api/logs/histogram": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts the organisation's log lines over time, by level. Reads counters, not lines, so it is quick over any range. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    service_id?: components["schemas"]["ServiceId"];
                    /**
                     * @description A service by its name.
                     * @example checkout
                     */
                    service?: string;
                    environment_id?: components["schemas"]["EnvironmentId"];
                    /**
                     * @description An environment by its name.
                     * @example production
                     */
                    environment?: string;
                    /**
                     * @description Levels, comma-separated: trace, debug, info, warn, error, fatal. Absent: all.
                     * @example error,fatal
                     */
                    level?: string;
                    /**
                     * @description Length of a bucket in whole minutes: `1m`, `15m`, `1h`, `1d`. Absent: what makes at most 120 buckets.
                     * @example 5m
                     */
                    interval?: string;
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
                        /**
                         * @example {
                         *       "data": {
                         *         "buckets": [
                         *           {
                         *             "counts": {
                         *               "debug": 20,
                         *               "error": 3,
                         *               "fatal": 0,
                         *               "info": 100,
                         *               "trace": 0,
                         *               "warn": 7
                         *             },
                         *             "start": "2026-01-31T11:55:00Z",
                         *             "total": 130
                         *           }
                         *         ],
                         *         "interval_seconds": 300
                         *       }
                         *     }
                         */
                        "application/json": components["schemas"]["Data_HistogramView"];
                    };
                };
                /** @description A parameter makes no sense; it is named */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description Not signed in */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description No such service or environment in this organisation */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The database is away or busy */
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/logs/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Searches the organisation's log lines, newest first. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description Words; lines that hold all of them match, in any order and case. A word is what Unicode segmentation (UAX 29)
                     *     says it is: `timeout` finds `Connection TIMEOUT!`, `time` does not. Absent: every line.
                     * @example payment failed
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request. */
                    request_id?: string;
                    service_id?: components["schemas"]["ServiceId"];
                    /**
                     * @description A service by its name.
                     * @example checkout
                     */
                    service?: string;
                    environment_id?: components["schemas"]["EnvironmentId"];
                    /**
                     * @description An environment by its name; of every service that has one, unless a service is named as well.
                     * @example production
                     */
                    environment?: string;
                    /**
                     * @description Levels, comma-separated: trace, debug, info, warn, error, fatal. Absent: all.
                     * @example error,fatal
                     */
                    level?: string;
                    /** @description Lines a page, 1 to 1000; 100 when absent. */
                    limit?: number;
                    /** @description `next_cursor` of the page before, with the same other parameters; absent for the first. */
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
                        /**
                         * @example {
                         *       "data": [
                         *         {
                         *           "environment": "production",
                         *           "environment_id": "0b9a4f0e-43a5-4f6a-9b61-6a8f5d1c2e77",
                         *           "id": "48201",
                         *           "level": "error",
                         *           "message": "payment for order 4711 failed: card_declined",
                         *           "meta": {
                         *             "order": 4711
                         *           },
                         *           "request_id": null,
                         *           "service": "checkout",
                         *           "service_id": "6d6e2a0c-94a1-4d5c-8f0e-1c1d7f3f8a11",
                         *           "timestamp": "2026-01-31T11:59:58.123456Z",
                         *           "trace_id": "0af7651916cd43dd8448eb211c80319c"
                         *         }
                         *       ],
                         *       "next_cursor": "MS4xNzY5ODYwNzk4MTIzNDU2LjQ4MjAx",
                         *       "stats": {
                         *         "blocks_pruned": 11,
                         *         "blocks_read": 1,
                         *         "bytes_read": 131072,
                         *         "elapsed_ms": 3,
                         *         "partial": false,
                         *         "partial_reason": null,
                         *         "rows_scanned": 4096,
                         *         "watermark": "2026-01-31T12:00:00.000001Z"
                         *       }
                         *     }
                         */
                        "application/json": components["schemas"]["SearchAnswer"];
                    };
                };
                /** @description A parameter makes no sense; it is named */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description Not signed in */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description No such service or environment in this organisation */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The database is away or busy */
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says how the five parts are, at most two seconds old. */
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
                         * @example {
                         *       "data": {
                         *         "ingest_url": "https://ingest.example.com",
                         *         "parts": [
                         *           {
                         *             "health": "ready",
                         *             "name": "query"
                         *           },
                         *           {
                         *             "health": "silent",
                         *             "name": "alerting"
                         *           }
                         *         ]
                         *       }
                         *     }
                         */
                        "application/json": components["schemas"]["Data_StatusView"];
                    };
                };
                /** @description Not signed in */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The database is away */
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
        put?: never;
        post?: never;
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
        /** @description The lines of one interval. A minute counts whole if any part of it is in the range. */
        BucketView: {
            counts: components["schemas"]["LevelCounts"];
            /**
             * Format: date-time
             * @description A multiple of the interval since 1970, UTC.
             */
            start: string;
            /** Format: int64 */
            total: number;
        };
        Data_HistogramView: {
            /** @description Lines over time. */
            data: {
                /** @description Without a gap, oldest first. */
                buckets: components["schemas"]["BucketView"][];
                /**
                 * Format: int64
                 * @description Seconds.
                 */
                interval_seconds: number;
            };
        };
        Data_StatusView: {
            /** @description The platform as its users see it. */
            data: {
                /**
                 * @description Where applications send their lines, without a slash at the end.
                 * @example https://ingest.example.com
                 */
                ingest_url: string;
                parts: components["schemas"]["PartView"][];
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
        /** @description One wrong field: `path` is where it stands in the request, such as `params.threshold`. */
        FieldError: {
            message: string;
            path: string;
        };
        /**
         * @description How a part is.
         * @enum {string}
         */
        Health: "ready" | "not_ready" | "silent";
        /** @description Lines over time. */
        HistogramView: {
            /** @description Without a gap, oldest first. */
            buckets: components["schemas"]["BucketView"][];
            /**
             * Format: int64
             * @description Seconds.
             */
            interval_seconds: number;
        };
        /**
         * @description Levels in rising order. Stored as the smallint `code()`, which sorts the same way.
         * @enum {string}
         */
        Level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
        LevelCounts: {
            /** Format: int64 */
            debug: number;
            /** Format: int64 */
            error: number;
            /** Format: int64 */
            fatal: number;
            /** Format: int64 */
            info: number;
            /** Format: int64 */
            trace: number;
            /** Format: int64 */
            warn: number;
        };
        /** @description A stored log line. */
        LineView: {
            /** @example production */
            environment: string;
            environment_id: components["schemas"]["EnvironmentId"];
            /**
             * @description Unique, and opaque.
             * @example 48201
             */
            id: string;
            level: components["schemas"]["Level"];
            /** @example payment for order 4711 failed: card_declined */
            message: string;
            meta?: Record<string, never> | null;
            request_id?: string | null;
            /** @example checkout */
            service: string;
            service_id: components["schemas"]["ServiceId"];
            /** Format: date-time */
            timestamp: string;
            trace_id?: string | null;
        };
        /** @description One of the five programs. */
        PartView: {
            health: components["schemas"]["Health"];
            /** @example alerting */
            name: string;
        };
        /** @description One page of lines, newest first. */
        SearchAnswer: {
            data: components["schemas"]["LineView"][];
            /**
             * @description Goes on after the last line; null when everything was read. A page may be empty and still have one, when it is
             *     partial.
             */
            next_cursor?: string | null;
            stats: components["schemas"]["StatsView"];
        };
        /** Format: uuid */
        ServiceId: string;
        /** @description What the search touched. */
        StatsView: {
            /** Format: int64 */
            blocks_pruned: number;
            /**
             * Format: int64
             * @description Blocks of compressed lines that were read, and those that could be left out unread.
             */
            blocks_read: number;
            /**
             * Format: int64
             * @description Bytes of compressed lines that were read.
             */
            bytes_read: number;
            /** Format: int64 */
            elapsed_ms: number;
            /** @description The answer may miss lines; `partial_reason` says why. */
            partial: boolean;
            /**
             * @description `time_budget` or `answer_size` (`next_cursor` goes on), or `damaged` (a stored segment cannot be read); null when
             *     not partial.
             * @example null
             */
            partial_reason?: string | null;
            /**
             * Format: int64
             * @description Lines that were looked at.
             */
            rows_scanned: number;
            /**
             * Format: date-time
             * @description Every line that was accepted before this moment was there to be found.
             */
            watermark: string;
        };
        /** @description The platform as its users see it. */
        StatusView: {
            /**
             * @description Where applications send their lines, without a slash at the end.
             * @example https://ingest.example.com
             */
            ingest_url: string;
            parts: components["schemas"]["PartView"][];
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

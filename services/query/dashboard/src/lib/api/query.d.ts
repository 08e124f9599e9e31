// Made by scripts/types.mjs from the OpenAPI document of query.
export interface paths {
    "/api/logs/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compares two windows of time, or the time before and after a deployment: which patterns of messages are new, gone, risen or
         *     fallen, and which values of fields are more frequent in one of them. Few lines are no change: a new pattern has five
         *     lines at least, one that rose twenty, and twice what the traffic lets expect.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /**
                     * @description Compares with this window, as `from` and `to` name the other. Absent: as long before `from` as there is after it.
                     * @example -2h
                     */
                    before_from?: string;
                    /**
                     * @description Exclusive; `from` when absent.
                     * @example -1h
                     */
                    before_to?: string;
                    /** @description Compares before and after this deployment began, in its service and environment, instead of `from` and `to`. */
                    deployment_id?: components["schemas"]["DeploymentId"];
                    /**
                     * @description How long before and after a deployment: `15m`, `1h`; at most `7d`. Default `1h`.
                     * @example 1h
                     */
                    around?: string;
                    /**
                     * @description Fields whose values are compared, comma-separated, at most 16; `none` for no fields. Absent: level, service, env and
                     *     the eight fields that most lines have.
                     * @example level,http.status
                     */
                    fields?: string;
                    /** @description Changes of patterns, and of values, 1 to 200; 50 when absent. */
                    limit?: number;
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
                         *         "after": {
                         *           "from": "2026-01-31T12:00:00Z",
                         *           "left_out": null,
                         *           "lines": 109000,
                         *           "stats": {
                         *             "blocks_pruned": 12,
                         *             "blocks_read": 1,
                         *             "bytes_read": 90000,
                         *             "elapsed_ms": 9,
                         *             "partial": false,
                         *             "partial_reason": null,
                         *             "rows_scanned": 4096,
                         *             "watermark": "2026-01-31T13:00:00Z"
                         *           },
                         *           "to": "2026-01-31T13:00:00Z"
                         *         },
                         *         "before": {
                         *           "from": "2026-01-31T11:00:00Z",
                         *           "left_out": null,
                         *           "lines": 104000,
                         *           "stats": {
                         *             "blocks_pruned": 12,
                         *             "blocks_read": 1,
                         *             "bytes_read": 90000,
                         *             "elapsed_ms": 9,
                         *             "partial": false,
                         *             "partial_reason": null,
                         *             "rows_scanned": 4096,
                         *             "watermark": "2026-01-31T13:00:00Z"
                         *           },
                         *           "to": "2026-01-31T12:00:00Z"
                         *         },
                         *         "more_patterns": 0,
                         *         "patterns": [
                         *           {
                         *             "first_seen": "2026-01-31T12:01:12.5Z",
                         *             "id": "7bbe86d97c2d991b",
                         *             "kind": "new",
                         *             "level": "error",
                         *             "lines_after": 120,
                         *             "lines_before": 0,
                         *             "never_seen_before": true,
                         *             "query": "service:checkout \"payment for order\" \"failed card_declined\"",
                         *             "ratio": null,
                         *             "sample": "payment for order 4711 failed: card_declined",
                         *             "score": 21.4,
                         *             "service": "checkout",
                         *             "service_id": "0b9a4f0e-52a5-4d6f-9b61-6ad58f1746e7",
                         *             "text": "payment for order <*> failed: card_declined"
                         *           }
                         *         ],
                         *         "scale": 1.05,
                         *         "unchanged_patterns": 61,
                         *         "values": [
                         *           {
                         *             "field": "region",
                         *             "lines_after": 21000,
                         *             "lines_before": 9000,
                         *             "query": "region:eu-west-2",
                         *             "score": 70.2,
                         *             "share_after": 0.42,
                         *             "share_before": 0.18,
                         *             "value": "eu-west-2"
                         *           }
                         *         ]
                         *       }
                         *     }
                         */
                        "application/json": components["schemas"]["Data_ChangesView"];
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/context": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows what the same service logged in the same environment before and after a line, within a day of it. */
        get: {
            parameters: {
                query: {
                    /** @description Of the line, as searches show it. */
                    id: string;
                    /** @description Lines before it, 0 to 500; 20 when absent. */
                    before?: number;
                    /** @description Lines after it, 0 to 500; 20 when absent. */
                    after?: number;
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
                        "application/json": components["schemas"]["Data_ContextView"];
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
                /** @description No such line in this organisation, or its retention is over */
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
    "/api/logs/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Streams all lines that match: each that is there when the export begins, once, while others arrive and are merged. What
         *     breaks off was not whole: the connection ends without the last chunk, which clients report as an error.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /**
                     * @description `ndjson`, which is the default: a line as searches show it on each line; `csv`; or `parquet`, in builds that have it.
                     * @example ndjson
                     */
                    format?: "ndjson" | "csv" | "parquet";
                    /**
                     * @description `newest` first, which is the default, or `oldest`.
                     * @example newest
                     */
                    order?: "newest" | "oldest";
                    /** @description Lines at most, up to 5,000,000; 1,000,000 when absent. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Or text/csv or application/vnd.apache.parquet, with the columns timestamp, level, service, environment, message, meta, trace_id, request_id, id */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/x-ndjson": string;
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/facets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts the values of fields over the newest 50,000 lines that match. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /**
                     * @description Comma-separated, at most 16: `level`, `service`, `env`, `trace_id`, `request_id`, or fields of the metadata. Absent:
                     *     level, service and env.
                     * @example level,http.status
                     */
                    fields?: string;
                    /** @description Values of each field, 1 to 100; 10 when absent. */
                    values?: number;
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
                        "application/json": components["schemas"]["Data_FacetsView"];
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/fields": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the fields that the newest 2,000 matching lines have. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                        "application/json": components["schemas"]["Data_FieldsView"];
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/histogram": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Counts the organisation's log lines over time, by level or by a field. Without a query that looks at text it reads
         *     counters, not lines, so it is quick over any range.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /**
                     * @description Length of a bucket in whole minutes: `1m`, `15m`, `1h`, `1d`. Absent: what makes at most 120 buckets.
                     * @example 5m
                     */
                    interval?: string;
                    /**
                     * @description What to count by: `level`, which is the default, `service`, `env`, or a field of the metadata (`http.status`).
                     * @example level
                     */
                    field?: string;
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
                         *         "interval_seconds": 300,
                         *         "stats": null
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/lines/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows one line: where a link to it leads. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Of the line, as searches show it */
                    id: string;
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
                        "application/json": components["schemas"]["Data_LineView"];
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
                /** @description No such line in this organisation, or its retention is over */
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
    "/api/logs/patterns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Shows what the messages of matching lines have in common: their templates, how many lines each has and when, and since
         *     when there are such lines. Without a query that looks at more than levels this is read from counts that are kept with the
         *     lines, whatever the range.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /**
                     * @description `count`, the default: those with the most lines first. `newest`: those that were last seen for the first time.
                     * @example count
                     */
                    sort?: string;
                    /**
                     * @description Only patterns that were first seen since then: RFC 3339, or relative to now.
                     * @example -1h
                     */
                    new_since?: string;
                    /** @description Only patterns of this deployment's service and environment that were first seen since it began. */
                    deployment_id?: components["schemas"]["DeploymentId"];
                    /** @description Patterns in the answer, 1 to 1000; 100 when absent. */
                    limit?: number;
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
                         *         "interval_seconds": 1500,
                         *         "left_out": null,
                         *         "lines": 1000,
                         *         "mined": 212,
                         *         "other": 0,
                         *         "patterns": [
                         *           {
                         *             "by_level": {
                         *               "error": 120
                         *             },
                         *             "count": 120,
                         *             "counts": [
                         *               40,
                         *               80
                         *             ],
                         *             "first_seen": "2026-01-12T08:01:12.5Z",
                         *             "id": "7bbe86d97c2d991b",
                         *             "last_seen": "2026-01-31T12:25:00Z",
                         *             "level": "error",
                         *             "query": "service:checkout \"payment for order\" \"failed card_declined\"",
                         *             "sample": "payment for order 4711 failed: card_declined",
                         *             "sample_level": "error",
                         *             "service": "checkout",
                         *             "service_id": "0b9a4f0e-52a5-4d6f-9b61-6ad58f1746e7",
                         *             "share": 0.12,
                         *             "text": "payment for order <*> failed: card_declined"
                         *           }
                         *         ],
                         *         "rest_lines": 880,
                         *         "rest_patterns": 31,
                         *         "starts": [
                         *           "2026-01-31T11:40:00Z",
                         *           "2026-01-31T12:05:00Z"
                         *         ],
                         *         "stats": {
                         *           "blocks_pruned": 12,
                         *           "blocks_read": 1,
                         *           "bytes_read": 90000,
                         *           "elapsed_ms": 9,
                         *           "partial": false,
                         *           "partial_reason": null,
                         *           "rows_scanned": 4096,
                         *           "watermark": "2026-01-31T12:30:00Z"
                         *         }
                         *       }
                         *     }
                         */
                        "application/json": components["schemas"]["Data_PatternsView"];
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
                /** @description No such service, environment or deployment in this organisation */
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
        /** Searches the organisation's log lines, newest or oldest first. Pages stay stable while lines arrive and are merged. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /**
                     * @description `newest` first, which is the default, or `oldest`.
                     * @example newest
                     */
                    order?: "newest" | "oldest";
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
                         *           "id": "C5pPDkOlT2qbYWqPXRwud0iwDk7x7oAAAAAAAAAAvEk",
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Computes numbers over matching lines: what the pipe of the query says, such as
         *     `level:error | stats count(), p95(http.ms) by service every 5m`, `| top 10 http.path` or `| patterns`, of which
         *     `/api/logs/patterns` tells more.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                        "application/json": components["schemas"]["Data_TableView"];
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
                /** @description No such service, environment or deployment in this organisation */
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
    "/api/logs/tail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follows new lines that match, as server-sent events. `from` and `to` play no part.
         * @description Events: `line` has a line as searches show it; `missed` says how many lines gave way because they were not taken fast
         *     enough (`{"lines": 12}`); `gap` says between which moments nobody looked, after a pause of more than 15 s (`{"from": …,
         *     "to": …}`): a search finds those lines; `stalled` says that the database did not answer and is tried again. A client that
         *     comes back with the last id goes on behind it; ids come with lines, and alone while there are none. Lines that are more than five minutes old when they arrive are
         *     not followed. The stream ends after five minutes; clients of server-sent events come back by themselves.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
                     *     (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
                     *     Case does not matter. Absent: every line.
                     * @example payment failed level:>=warn
                     */
                    q?: string;
                    /**
                     * @description Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
                     *     `now-1h` as in queries). Default `-24h`.
                     * @example -1h
                     */
                    from?: string;
                    /**
                     * @description Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
                     * @example 2026-01-31T12:00:00Z
                     */
                    to?: string;
                    /**
                     * @description Lines of this trace; the same as `trace_id:…` in the query.
                     * @example 4bf92f3577b34da6a3ce929d0e0e4736
                     */
                    trace_id?: string;
                    /** @description Lines of this request; the same as `request_id:…` in the query. */
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
                    /** @description The id of the last event that was seen, as the header `Last-Event-ID` has it, for clients that cannot set that. */
                    last_event_id?: string;
                };
                header?: {
                    /** @description Of the last event that was seen */
                    "Last-Event-ID"?: string | null;
                };
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
                        "text/event-stream": string;
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
                /** @description The organisation follows too many searches at once */
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
    "/api/logs/views": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's views and those that others share, newest first. */
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
                        "application/json": components["schemas"]["Page_ViewView"];
                    };
                };
            };
        };
        put?: never;
        /** Saves a view of the caller's. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateViewRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_ViewView"];
                    };
                };
                /** @description A field makes no sense; it is named */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description Sharing needs the developer role */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description The caller has a view of this name, or 200 of them */
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
    "/api/logs/views/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One view: the caller's own, or a shared one. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["SavedViewId"];
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
                        "application/json": components["schemas"]["Data_ViewView"];
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
        /** Deletes a view: its owner, or an admin if it is shared. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["SavedViewId"];
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
                /** @description It is somebody else's */
                403: {
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
        options?: never;
        head?: never;
        /** Changes a view: its owner, or an admin if it is shared. A view that is shared afterwards needs the developer role. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["SavedViewId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeViewRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_ViewView"];
                    };
                };
                /** @description A field makes no sense; it is named */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description It is somebody else's, or sharing needs the developer role */
                403: {
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
                /** @description Its owner has a view of this name */
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
    "/api/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Shows how the organisation's services are, in one call: lines and errors of each with their trend, its last deployments,
         *     what is open, and what fires. Reads counters, so it is quick.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description How far back lines are counted, and compared with as long before: `1h`, `24h`, `7d`; at most `30d`. Default `24h`.
                     * @example 24h
                     */
                    window?: string;
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
                        "application/json": components["schemas"]["Data_OverviewView"];
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
    "/loki/api/v1/detected_fields": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The other labels that the newest lines have: metadata, and what `| json` or `| logfmt` take from the message. */
        get: {
            parameters: {
                query?: {
                    /** @description A log query; all lines when absent */
                    query?: string;
                    /** @description Oldest time; an hour before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description Lines to look at, 1 to 5000; 1000 when absent */
                    line_limit?: number;
                    /** @description Fields, 1 to 1000; 1000 when absent */
                    limit?: number;
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
                         *       "fields": [
                         *         {
                         *           "cardinality": 4,
                         *           "label": "http_status",
                         *           "parsers": null,
                         *           "type": "int"
                         *         }
                         *       ],
                         *       "limit": 1000
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * The other labels that the newest lines have: metadata, and what `| json` or `| logfmt` take from the message.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A log query; all lines when absent */
                    query?: string;
                    /** @description Oldest time; an hour before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description Lines to look at, 1 to 5000; 1000 when absent */
                    line_limit?: number;
                    /** @description Fields, 1 to 1000; 1000 when absent */
                    limit?: number;
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
                         *       "fields": [
                         *         {
                         *           "cardinality": 4,
                         *           "label": "http_status",
                         *           "parsers": null,
                         *           "type": "int"
                         *         }
                         *       ],
                         *       "limit": 1000
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/detected_labels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The labels of streams, each with how many values it has. */
        get: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *       "detectedLabels": [
                         *         {
                         *           "cardinality": 2,
                         *           "label": "service_name"
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * The labels of streams, each with how many values it has.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *       "detectedLabels": [
                         *         {
                         *           "cardinality": 2,
                         *           "label": "service_name"
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/index/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How much a query would read: lines from counters, bytes estimated from the newest lines. */
        get: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *       "bytes": 96000,
                         *       "chunks": 2,
                         *       "entries": 1200,
                         *       "streams": 2
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * How much a query would read: lines from counters, bytes estimated from the newest lines.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *       "bytes": 96000,
                         *       "chunks": 2,
                         *       "entries": 1200,
                         *       "streams": 2
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/index/volume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Estimated bytes per stream or label, the largest first. */
        get: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description How many, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description Comma-separated: by these labels only. Those of the selector when absent */
                    targetLabels?: string;
                    /** @description `series`, which is the default, or `labels` */
                    aggregateBy?: string;
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
                         *         "result": [
                         *           {
                         *             "metric": {
                         *               "service_name": "checkout"
                         *             },
                         *             "value": [
                         *               1769860800,
                         *               "96000"
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "vector",
                         *         "stats": {
                         *           "summary": {}
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * Estimated bytes per stream or label, the largest first.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description How many, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description Comma-separated: by these labels only. Those of the selector when absent */
                    targetLabels?: string;
                    /** @description `series`, which is the default, or `labels` */
                    aggregateBy?: string;
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
                         *         "result": [
                         *           {
                         *             "metric": {
                         *               "service_name": "checkout"
                         *             },
                         *             "value": [
                         *               1769860800,
                         *               "96000"
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "vector",
                         *         "stats": {
                         *           "summary": {}
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/index/volume_range": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Estimated bytes per stream or label over time. */
        get: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description Between points, rounded up to whole minutes; a 250th of the range when absent */
                    step?: string;
                    /** @description How many, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description Comma-separated: by these labels only. Those of the selector when absent */
                    targetLabels?: string;
                    /** @description `series`, which is the default, or `labels` */
                    aggregateBy?: string;
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
                         *         "result": [
                         *           {
                         *             "metric": {
                         *               "service_name": "checkout"
                         *             },
                         *             "values": [
                         *               [
                         *                 1769860800,
                         *                 "96000"
                         *               ]
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "matrix",
                         *         "stats": {
                         *           "summary": {}
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * Estimated bytes per stream or label over time.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description Between points, rounded up to whole minutes; a 250th of the range when absent */
                    step?: string;
                    /** @description How many, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description Comma-separated: by these labels only. Those of the selector when absent */
                    targetLabels?: string;
                    /** @description `series`, which is the default, or `labels` */
                    aggregateBy?: string;
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
                         *         "result": [
                         *           {
                         *             "metric": {
                         *               "service_name": "checkout"
                         *             },
                         *             "values": [
                         *               [
                         *                 1769860800,
                         *                 "96000"
                         *               ]
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "matrix",
                         *         "stats": {
                         *           "summary": {}
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/label/{name}/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The values of a label of streams. Other labels have none here: they are found behind the selector. */
        get: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                };
                header?: never;
                path: {
                    /** @description `service_name`, `environment` or `level` */
                    name: string;
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
                        /**
                         * @example {
                         *       "data": [
                         *         "checkout",
                         *         "search"
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * The values of a label of streams. Other labels have none here: they are found behind the selector.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                };
                header?: never;
                path: {
                    /** @description `service_name`, `environment` or `level` */
                    name: string;
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
                        /**
                         * @example {
                         *       "data": [
                         *         "checkout",
                         *         "search"
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/labels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The labels of streams: `environment`, `level` and `service_name`, if there are lines. */
        get: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *         "environment",
                         *         "level",
                         *         "service_name"
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * The labels of streams: `environment`, `level` and `service_name`, if there are lines.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description A selector; all streams when absent */
                    query?: string;
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *         "environment",
                         *         "level",
                         *         "service_name"
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/patterns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the lines of streams have in common, with `<_>` for what varies, and how many there were over time: most lines first. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description A selector; all streams when absent
                     * @example {service_name="checkout"}
                     */
                    query?: string;
                    /** @description Oldest time; an hour before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description Between points, rounded up to a multiple of five minutes */
                    step?: string;
                    /** @description Patterns, 1 to 1000; 300 when absent */
                    limit?: number;
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
                         *           "level": "error",
                         *           "pattern": "payment for order <_> failed: card_declined",
                         *           "samples": [
                         *             [
                         *               1769860800,
                         *               40
                         *             ],
                         *             [
                         *               1769861100,
                         *               80
                         *             ]
                         *           ]
                         *         }
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * What the lines of streams have in common, with `<_>` for what varies, and how many there were over time: most lines first.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /**
                     * @description A selector; all streams when absent
                     * @example {service_name="checkout"}
                     */
                    query?: string;
                    /** @description Oldest time; an hour before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
                    /** @description Between points, rounded up to a multiple of five minutes */
                    step?: string;
                    /** @description Patterns, 1 to 1000; 300 when absent */
                    limit?: number;
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
                         *           "level": "error",
                         *           "pattern": "payment for order <_> failed: card_declined",
                         *           "samples": [
                         *             [
                         *               1769860800,
                         *               40
                         *             ],
                         *             [
                         *               1769861100,
                         *               80
                         *             ]
                         *           ]
                         *         }
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Numbers of a LogQL metric query at one moment. `vector(1)+vector(1)`, by which Grafana checks a data source, works. */
        get: {
            parameters: {
                query: {
                    /**
                     * @description LogQL: a metric query
                     * @example sum by (level) (count_over_time({service_name="checkout"}[5m]))
                     */
                    query: string;
                    /** @description Unix time in seconds or nanoseconds, or RFC 3339; now when absent */
                    time?: string;
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
                         *         "result": [
                         *           {
                         *             "metric": {
                         *               "level": "error"
                         *             },
                         *             "value": [
                         *               1769860800,
                         *               "3"
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "vector",
                         *         "stats": {
                         *           "summary": {
                         *             "execTime": 0.002,
                         *             "totalLinesProcessed": 3
                         *           }
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * Numbers of a LogQL metric query at one moment. `vector(1)+vector(1)`, by which Grafana checks a data source, works.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query: {
                    /**
                     * @description LogQL: a metric query
                     * @example sum by (level) (count_over_time({service_name="checkout"}[5m]))
                     */
                    query: string;
                    /** @description Unix time in seconds or nanoseconds, or RFC 3339; now when absent */
                    time?: string;
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
                         *         "result": [
                         *           {
                         *             "metric": {
                         *               "level": "error"
                         *             },
                         *             "value": [
                         *               1769860800,
                         *               "3"
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "vector",
                         *         "stats": {
                         *           "summary": {
                         *             "execTime": 0.002,
                         *             "totalLinesProcessed": 3
                         *           }
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/query_range": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lines of a LogQL log query, or numbers of a metric query over time. */
        get: {
            parameters: {
                query: {
                    /**
                     * @description LogQL
                     * @example {service_name="checkout"} |= "declined" | json | amount > 100
                     */
                    query: string;
                    /** @description Oldest time, inclusive; an hour before end when absent */
                    start?: string;
                    /** @description Newest time, exclusive; now when absent */
                    end?: string;
                    /** @description How far start is before end, such as 2h */
                    since?: string;
                    /** @description Lines, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description `backward`, newest first, which is the default, or `forward` */
                    direction?: string;
                    /** @description Between points of a metric query, such as 30s; a 250th of the range when absent */
                    step?: string;
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
                         *         "result": [
                         *           {
                         *             "stream": {
                         *               "environment": "production",
                         *               "level": "error",
                         *               "order": "4711",
                         *               "service_name": "checkout"
                         *             },
                         *             "values": [
                         *               [
                         *                 "1769860798123456000",
                         *                 "payment for order 4711 failed: card_declined"
                         *               ]
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "streams",
                         *         "stats": {
                         *           "summary": {
                         *             "execTime": 0.003,
                         *             "totalLinesProcessed": 4096
                         *           }
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * Lines of a LogQL log query, or numbers of a metric query over time.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query: {
                    /**
                     * @description LogQL
                     * @example {service_name="checkout"} |= "declined" | json | amount > 100
                     */
                    query: string;
                    /** @description Oldest time, inclusive; an hour before end when absent */
                    start?: string;
                    /** @description Newest time, exclusive; now when absent */
                    end?: string;
                    /** @description How far start is before end, such as 2h */
                    since?: string;
                    /** @description Lines, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description `backward`, newest first, which is the default, or `forward` */
                    direction?: string;
                    /** @description Between points of a metric query, such as 30s; a 250th of the range when absent */
                    step?: string;
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
                         *         "result": [
                         *           {
                         *             "stream": {
                         *               "environment": "production",
                         *               "level": "error",
                         *               "order": "4711",
                         *               "service_name": "checkout"
                         *             },
                         *             "values": [
                         *               [
                         *                 "1769860798123456000",
                         *                 "payment for order 4711 failed: card_declined"
                         *               ]
                         *             ]
                         *           }
                         *         ],
                         *         "resultType": "streams",
                         *         "stats": {
                         *           "summary": {
                         *             "execTime": 0.003,
                         *             "totalLinesProcessed": 4096
                         *           }
                         *         }
                         *       },
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The streams that any of the selectors means. */
        get: {
            parameters: {
                query?: {
                    /** @description Selectors; all streams when absent */
                    "match[]"?: string[];
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *           "level": "error",
                         *           "service_name": "checkout"
                         *         }
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * The streams that any of the selectors means.
         *     The parameters come as a form, or in the address.
         */
        post: {
            parameters: {
                query?: {
                    /** @description Selectors; all streams when absent */
                    "match[]"?: string[];
                    /** @description Oldest time; six hours before end when absent */
                    start?: string;
                    /** @description Newest time; now when absent */
                    end?: string;
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
                         *           "level": "error",
                         *           "service_name": "checkout"
                         *         }
                         *       ],
                         *       "status": "success"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/status/buildinfo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The version of Loki whose API this is. */
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
                         *       "branch": "",
                         *       "buildDate": "",
                         *       "buildUser": "",
                         *       "goVersion": "",
                         *       "revision": "",
                         *       "version": "3.0.0"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
            };
        };
        put?: never;
        /**
         * The version of Loki whose API this is.
         *     The parameters come as a form, or in the address.
         */
        post: {
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
                         *       "branch": "",
                         *       "buildDate": "",
                         *       "buildUser": "",
                         *       "goVersion": "",
                         *       "revision": "",
                         *       "version": "3.0.0"
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description The query or a parameter makes no sense or is not supported; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The body is no form */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation runs too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
    "/loki/api/v1/tail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follows new lines of a log query over a websocket, after the newest from before. A reader that is too slow is told in
         *     `dropped_entries`: an entry has the labels `reason` and `lines`, which is how many. `delay_for` plays no part: a line that
         *     is committed late is delivered all the same.
         */
        get: {
            parameters: {
                query: {
                    /**
                     * @description LogQL: a log query
                     * @example {service_name="checkout"} |= "declined"
                     */
                    query: string;
                    /** @description Lines from here on come first; an hour back when absent */
                    start?: string;
                    /** @description Lines from before, 1 to 5000; 100 when absent */
                    limit?: number;
                    /** @description Plays no part */
                    delay_for?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The messages are JSON */
                101: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "dropped_entries": [
                         *         {
                         *           "labels": {
                         *             "lines": "12",
                         *             "reason": "slow_reader"
                         *           },
                         *           "timestamp": "1769860798123456000"
                         *         }
                         *       ],
                         *       "streams": [
                         *         {
                         *           "stream": {
                         *             "environment": "production",
                         *             "level": "error",
                         *             "service_name": "checkout"
                         *           },
                         *           "values": [
                         *             [
                         *               "1769860798123456000",
                         *               "payment for order 4711 failed: card_declined"
                         *             ]
                         *           ]
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": Record<string, never>;
                    };
                };
                /** @description No websocket, or the query or a parameter makes no sense; the text names it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description No session and no personal access token */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description A page of another site asks, with the session of its visitor */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The organisation follows too many searches at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
                    };
                };
                /** @description The database is away or busy */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": unknown;
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
        /** Format: uuid */
        AlertRuleId: string;
        /** @description The lines of one interval. Where counters tell, a minute counts whole if any part of it is in the range. */
        BucketView: {
            /**
             * @description By level, each of the six; or by the field's value, where it has lines. Values beyond 10,000 are counted as `…`,
             *     lines without the field as an empty text.
             * @example {
             *       "debug": 20,
             *       "error": 3,
             *       "fatal": 0,
             *       "info": 100,
             *       "trace": 0,
             *       "warn": 7
             *     }
             */
            counts: {
                [key: string]: number;
            };
            /**
             * Format: date-time
             * @description A multiple of the interval since 1970, UTC.
             */
            start: string;
            /** Format: int64 */
            total: number;
        };
        /** @description What is absent stays as it is; null takes a service, environment, level or time away. */
        ChangeViewRequest: {
            columns?: components["schemas"]["Columns"] | null;
            environment?: string | null;
            from?: string | null;
            level?: string | null;
            name?: components["schemas"]["Name"] | null;
            q?: components["schemas"]["QueryText"] | null;
            service?: string | null;
            shared?: boolean | null;
            to?: string | null;
        };
        /** @description A pattern that is new, gone, risen or fallen. */
        ChangedPattern: {
            /** Format: date-time */
            first_seen: string;
            /** @example 7bbe86d97c2d991b */
            id: string;
            kind: components["schemas"]["Kind"];
            /** @description The highest level of its lines in both windows. */
            level: components["schemas"]["Level"];
            /**
             * Format: int64
             * @example 120
             */
            lines_after: number;
            /**
             * Format: int64
             * @description Its lines in each window.
             * @example 0
             */
            lines_before: number;
            /** @description Never seen before the later window; a new pattern that was is one that came back. */
            never_seen_before: boolean;
            /**
             * @description A query that finds its lines.
             * @example service:checkout "payment for order" "failed card_declined"
             */
            query: string;
            /**
             * Format: double
             * @description How many times as many lines as expected; null for a new one.
             * @example null
             */
            ratio?: number | null;
            /** @example payment for order 4711 failed: card_declined */
            sample: string;
            /**
             * Format: double
             * @description How much it stands out, comparable within the answer: standard deviations, more for warnings and errors.
             * @example 21.4
             */
            score: number;
            /** @example checkout */
            service: string;
            service_id: components["schemas"]["ServiceId"];
            /** @example payment for order <*> failed: card_declined */
            text: string;
        };
        /** @description What differs between two windows. */
        ChangesView: {
            after: components["schemas"]["WindowView"];
            before: components["schemas"]["WindowView"];
            /** @description Patterns that changed and are not shown, past the limit. */
            more_patterns: number;
            /** @description The most telling first. */
            patterns: components["schemas"]["ChangedPattern"][];
            /**
             * Format: double
             * @description Lines after that are expected for each line before, as most patterns have it: what rose and fell is measured by it.
             * @example 1.05
             */
            scale: number;
            /** @description Patterns with lines in one of the windows that did not change, or have too few lines to say so. */
            unchanged_patterns: number;
            /**
             * @description Values of fields that make out more of one window than of the other, the most telling first. Of the newest 50,000 lines
             *     of each window.
             */
            values: components["schemas"]["LeaningView"][];
        };
        ColumnView: {
            /**
             * @description `time`, `field` or `number`.
             * @example number
             */
            kind: string;
            /** @example count() */
            name: string;
        };
        /** @description The columns that a view shows, in order: fields of a line, or paths into its metadata. At most 50. */
        Columns: string[];
        /** @description A line among its neighbours, all oldest first. */
        ContextView: {
            after: components["schemas"]["LineView"][];
            before: components["schemas"]["LineView"][];
            line: components["schemas"]["LineView"];
        };
        /** @description The parameters of a search as `GET /api/logs/query` takes them, kept as they were typed: relative times stay relative. */
        CreateViewRequest: {
            /** @description Columns to show, in order; the client's default when absent. */
            columns?: components["schemas"]["Columns"];
            environment?: components["schemas"]["Name"] | null;
            from?: components["schemas"]["Name"] | null;
            level?: components["schemas"]["Name"] | null;
            /** @description One name an owner. */
            name: components["schemas"]["Name"];
            q?: components["schemas"]["QueryText"];
            service?: components["schemas"]["Name"] | null;
            /** @description Whether every member sees it; sharing needs the developer role. */
            shared?: boolean;
            to?: components["schemas"]["Name"] | null;
        };
        Data_ChangesView: {
            /** @description What differs between two windows. */
            data: {
                after: components["schemas"]["WindowView"];
                before: components["schemas"]["WindowView"];
                /** @description Patterns that changed and are not shown, past the limit. */
                more_patterns: number;
                /** @description The most telling first. */
                patterns: components["schemas"]["ChangedPattern"][];
                /**
                 * Format: double
                 * @description Lines after that are expected for each line before, as most patterns have it: what rose and fell is measured by it.
                 * @example 1.05
                 */
                scale: number;
                /** @description Patterns with lines in one of the windows that did not change, or have too few lines to say so. */
                unchanged_patterns: number;
                /**
                 * @description Values of fields that make out more of one window than of the other, the most telling first. Of the newest 50,000 lines
                 *     of each window.
                 */
                values: components["schemas"]["LeaningView"][];
            };
        };
        Data_ContextView: {
            /** @description A line among its neighbours, all oldest first. */
            data: {
                after: components["schemas"]["LineView"][];
                before: components["schemas"]["LineView"][];
                line: components["schemas"]["LineView"];
            };
        };
        Data_FacetsView: {
            /** @description The most frequent values of fields. */
            data: {
                facets: components["schemas"]["FacetView"][];
                /** @description Only the newest lines were counted; there may be more. */
                is_sample: boolean;
                /**
                 * Format: int64
                 * @description Lines that were counted.
                 */
                lines: number;
                stats: components["schemas"]["StatsView"];
            };
        };
        Data_FieldsView: {
            /** @description The fields of matching lines. */
            data: {
                /** @description Known fields first, then those of the metadata by name. */
                fields: components["schemas"]["FieldView"][];
                /** @description There are more fields than 500; the rarest are left out. */
                is_cut: boolean;
                /**
                 * Format: int64
                 * @description Lines that were looked at.
                 */
                lines: number;
                stats: components["schemas"]["StatsView"];
            };
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
                stats?: components["schemas"]["StatsView"] | null;
            };
        };
        Data_LineView: {
            /** @description A stored log line. */
            data: {
                /** @example production */
                environment: string;
                environment_id: components["schemas"]["EnvironmentId"];
                /** @description Stable, opaque, and enough to find the line again: `GET /api/logs/lines/{id}`. */
                id: components["schemas"]["LineId"];
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
        };
        Data_OverviewView: {
            /** @description How everything is. */
            data: {
                /** @description Rules that fire now, by name. */
                firing: components["schemas"]["FiringView"][];
                /** Format: date-time */
                from: string;
                /** @description The worst and newest twenty. */
                incidents: components["schemas"]["IncidentView"][];
                /** Format: int64 */
                open_incidents: number;
                /** @description By name. */
                services: components["schemas"]["ServiceView"][];
                /** Format: date-time */
                to: string;
            };
        };
        Data_PatternsView: {
            /**
             * @description What lines have in common. Each line of the range counts once: the lines of `patterns`, `other` and `rest_lines` add up
             *     to `lines`.
             */
            data: {
                /**
                 * Format: int64
                 * @description The length of each interval of `counts`, a multiple of 300.
                 * @example 1500
                 */
                interval_seconds: number;
                /**
                 * Format: int64
                 * @description Lines that are left out of an answer that is partial; null where that is not known, or none are.
                 */
                left_out?: number | null;
                /**
                 * Format: int64
                 * @description All lines that match.
                 */
                lines: number;
                /**
                 * Format: int64
                 * @description Lines that were looked at one by one: those that are not merged yet, those at the ends of the range, and with a
                 *     query all of them. At most the newest 100,000.
                 */
                mined: number;
                /**
                 * Format: int64
                 * @description Lines whose pattern there was no room for: a service has at most 2,000.
                 */
                other: number;
                patterns: components["schemas"]["PatternView"][];
                /** Format: int64 */
                rest_lines: number;
                /** @description Patterns that are not in this answer, and their lines: past the limit, or not new. */
                rest_patterns: number;
                /**
                 * @description Where each interval starts.
                 * @example [
                 *       "2026-01-31T11:40:00Z",
                 *       "2026-01-31T12:05:00Z"
                 *     ]
                 */
                starts: string[];
                stats: components["schemas"]["StatsView"];
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
        Data_TableView: {
            /** @description A table of numbers. */
            data: {
                /** @description Why numbers are not exact; empty if they are. */
                approximate: string[];
                columns: components["schemas"]["ColumnView"][];
                /**
                 * Format: int64
                 * @description Lines that it was computed from.
                 */
                lines: number;
                /**
                 * @description A cell for each column: RFC 3339 for times, text for fields, null where lines lack the field or a number has no
                 *     values, `…` for everything that did not fit the bounds. Buckets of time without lines have no row.
                 * @example [
                 *       [
                 *         "checkout",
                 *         1200,
                 *         87.5
                 *       ]
                 *     ]
                 */
                rows: Record<string, never>[][];
                stats: components["schemas"]["StatsView"];
            };
        };
        Data_ViewView: {
            /** @description A saved view. */
            data: {
                columns: components["schemas"]["Columns"];
                /** Format: date-time */
                created_at: string;
                environment?: components["schemas"]["Name"] | null;
                from?: components["schemas"]["Name"] | null;
                id: components["schemas"]["SavedViewId"];
                level?: components["schemas"]["Name"] | null;
                /** @description Whether the caller owns it. */
                mine: boolean;
                /** @example checkout errors */
                name: string;
                /** @example card_declined */
                q: string;
                service?: components["schemas"]["Name"] | null;
                /** @description Whether every member sees it, or its owner only. */
                shared: boolean;
                to?: components["schemas"]["Name"] | null;
                /** Format: date-time */
                updated_at: string;
                /** @description The owner; `GET /api/members` knows the name. */
                user_id: components["schemas"]["UserId"];
            };
        };
        /** Format: uuid */
        DeploymentId: string;
        DeploymentView: {
            /** Format: date-time */
            at: string;
            commit_sha?: string | null;
            /** @example production */
            environment: string;
            environment_id: components["schemas"]["EnvironmentId"];
            id: components["schemas"]["DeploymentId"];
            /** @example success */
            status: string;
            version?: string | null;
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
        FacetValue: {
            /** Format: int64 */
            count: number;
            /** @example 500 */
            value: string;
        };
        FacetView: {
            /**
             * Format: int64
             * @description Lines that have one of these values, added up: a line with several counts several times.
             */
            counted: number;
            /** @example http.status */
            field: string;
            /** @description The most frequent first. */
            values: components["schemas"]["FacetValue"][];
        };
        /** @description The most frequent values of fields. */
        FacetsView: {
            facets: components["schemas"]["FacetView"][];
            /** @description Only the newest lines were counted; there may be more. */
            is_sample: boolean;
            /**
             * Format: int64
             * @description Lines that were counted.
             */
            lines: number;
            stats: components["schemas"]["StatsView"];
        };
        /** @description One wrong field: `path` is where it stands in the request, such as `params.threshold`. */
        FieldError: {
            message: string;
            path: string;
        };
        FieldView: {
            /**
             * @description As a query names it.
             * @example http.status
             */
            name: string;
            /**
             * Format: double
             * @description The share of the lines that have it, 0 to 1.
             * @example 0.8
             */
            share: number;
            /**
             * @description Of JSON: `boolean`, `number`, `string`, `null`.
             * @example [
             *       "number"
             *     ]
             */
            types: string[];
        };
        /** @description The fields of matching lines. */
        FieldsView: {
            /** @description Known fields first, then those of the metadata by name. */
            fields: components["schemas"]["FieldView"][];
            /** @description There are more fields than 500; the rarest are left out. */
            is_cut: boolean;
            /**
             * Format: int64
             * @description Lines that were looked at.
             */
            lines: number;
            stats: components["schemas"]["StatsView"];
        };
        FiringView: {
            /**
             * Format: int64
             * @description Groups of lines that it fires for.
             */
            firings: number;
            name: string;
            rule_id: components["schemas"]["AlertRuleId"];
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
            stats?: components["schemas"]["StatsView"] | null;
        };
        /** Format: uuid */
        IncidentId: string;
        IncidentView: {
            acknowledged: boolean;
            id: components["schemas"]["IncidentId"];
            /** Format: date-time */
            opened_at: string;
            service_id?: components["schemas"]["ServiceId"] | null;
            /** @example high */
            severity: string;
            title: string;
        };
        /**
         * @description How a pattern changed.
         * @enum {string}
         */
        Kind: "new" | "gone" | "risen" | "fallen";
        /** @description A value that leans to one window. */
        LeaningView: {
            /** @example region */
            field: string;
            /** Format: int64 */
            lines_after: number;
            /**
             * Format: int64
             * @description Lines that have it, of those that were looked at.
             */
            lines_before: number;
            /**
             * @description A query that finds its lines.
             * @example region:eu-west-2
             */
            query: string;
            /**
             * Format: double
             * @description How much it stands out, in standard deviations.
             */
            score: number;
            /** Format: double */
            share_after: number;
            /**
             * Format: double
             * @description Of the lines that were looked at in each window, 0 to 1.
             */
            share_before: number;
            /** @example eu-west-2 */
            value: string;
        };
        /**
         * @description Levels in rising order. Stored as the smallint `code()`, which sorts the same way.
         * @enum {string}
         */
        Level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
        LineId: string;
        /** @description A stored log line. */
        LineView: {
            /** @example production */
            environment: string;
            environment_id: components["schemas"]["EnvironmentId"];
            /** @description Stable, opaque, and enough to find the line again: `GET /api/logs/lines/{id}`. */
            id: components["schemas"]["LineId"];
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
        /** @description A trimmed, non-empty, single-line text of at most 200 characters without control characters. */
        Name: string;
        /** @description How everything is. */
        OverviewView: {
            /** @description Rules that fire now, by name. */
            firing: components["schemas"]["FiringView"][];
            /** Format: date-time */
            from: string;
            /** @description The worst and newest twenty. */
            incidents: components["schemas"]["IncidentView"][];
            /** Format: int64 */
            open_incidents: number;
            /** @description By name. */
            services: components["schemas"]["ServiceView"][];
            /** Format: date-time */
            to: string;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_ViewView: {
            data: {
                columns: components["schemas"]["Columns"];
                /** Format: date-time */
                created_at: string;
                environment?: components["schemas"]["Name"] | null;
                from?: components["schemas"]["Name"] | null;
                id: components["schemas"]["SavedViewId"];
                level?: components["schemas"]["Name"] | null;
                /** @description Whether the caller owns it. */
                mine: boolean;
                /** @example checkout errors */
                name: string;
                /** @example card_declined */
                q: string;
                service?: components["schemas"]["Name"] | null;
                /** @description Whether every member sees it, or its owner only. */
                shared: boolean;
                to?: components["schemas"]["Name"] | null;
                /** Format: date-time */
                updated_at: string;
                /** @description The owner; `GET /api/members` knows the name. */
                user_id: components["schemas"]["UserId"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One of the five programs. */
        PartView: {
            health: components["schemas"]["Health"];
            /** @example alerting */
            name: string;
        };
        /** @description Lines that are alike. */
        PatternView: {
            /**
             * @description Its lines by level; levels without lines are left out.
             * @example {
             *       "error": 120
             *     }
             */
            by_level: {
                [key: string]: number;
            };
            /** Format: int64 */
            count: number;
            /**
             * @description Lines in each interval.
             * @example [
             *       40,
             *       80
             *     ]
             */
            counts: number[];
            /**
             * Format: date-time
             * @description When it was first seen in the chosen environments, be it before the range.
             */
            first_seen: string;
            /**
             * @description A hash of the template: the same in every environment and service, and at any time.
             * @example 7bbe86d97c2d991b
             */
            id: string;
            /**
             * Format: date-time
             * @description When it was last seen within the range, to five minutes.
             */
            last_seen: string;
            /** @description The highest level of its lines in the range. */
            level: components["schemas"]["Level"];
            /**
             * @description A query that finds its lines; it may also find lines with the same words and more.
             * @example service:checkout "payment for order" "failed card_declined"
             */
            query: string;
            /**
             * @description One of its lines, and that line's level.
             * @example payment for order 4711 failed: card_declined
             */
            sample: string;
            sample_level: components["schemas"]["Level"];
            /** @example checkout */
            service: string;
            service_id: components["schemas"]["ServiceId"];
            /**
             * Format: double
             * @description Of all lines that match, 0 to 1.
             * @example 0.12
             */
            share: number;
            /**
             * @description The first line of the message, with `<*>` for what varies.
             * @example payment for order <*> failed: card_declined
             */
            text: string;
        };
        /**
         * @description What lines have in common. Each line of the range counts once: the lines of `patterns`, `other` and `rest_lines` add up
         *     to `lines`.
         */
        PatternsView: {
            /**
             * Format: int64
             * @description The length of each interval of `counts`, a multiple of 300.
             * @example 1500
             */
            interval_seconds: number;
            /**
             * Format: int64
             * @description Lines that are left out of an answer that is partial; null where that is not known, or none are.
             */
            left_out?: number | null;
            /**
             * Format: int64
             * @description All lines that match.
             */
            lines: number;
            /**
             * Format: int64
             * @description Lines that were looked at one by one: those that are not merged yet, those at the ends of the range, and with a
             *     query all of them. At most the newest 100,000.
             */
            mined: number;
            /**
             * Format: int64
             * @description Lines whose pattern there was no room for: a service has at most 2,000.
             */
            other: number;
            patterns: components["schemas"]["PatternView"][];
            /** Format: int64 */
            rest_lines: number;
            /** @description Patterns that are not in this answer, and their lines: past the limit, or not new. */
            rest_patterns: number;
            /**
             * @description Where each interval starts.
             * @example [
             *       "2026-01-31T11:40:00Z",
             *       "2026-01-31T12:05:00Z"
             *     ]
             */
            starts: string[];
            stats: components["schemas"]["StatsView"];
        };
        /** @description The text of a search as it was typed: at most 4,096 bytes, without NUL. */
        QueryText: string;
        /** Format: uuid */
        SavedViewId: string;
        /** @description One page of lines, in the order that was asked for. */
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
        ServiceView: {
            /** @description The newest to each environment, of the last 90 days. */
            deployments: components["schemas"]["DeploymentView"][];
            /**
             * Format: int64
             * @description Of level error or fatal.
             */
            errors: number;
            /** Format: int64 */
            errors_before: number;
            /** Format: int64 */
            lines: number;
            /**
             * Format: int64
             * @description The same of as long before.
             */
            lines_before: number;
            /**
             * Format: date-time
             * @description The minute of its newest line in the window; null without one.
             */
            newest_line?: string | null;
            /** @example checkout */
            service: string;
            service_id: components["schemas"]["ServiceId"];
        };
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
             * @description `time_budget` or `answer_size` (`next_cursor` goes on), or `damaged` (a stored segment cannot be read), or
             *     `too_many_lines` (patterns are looked for in the newest only); null when not partial.
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
        /** @description A table of numbers. */
        TableView: {
            /** @description Why numbers are not exact; empty if they are. */
            approximate: string[];
            columns: components["schemas"]["ColumnView"][];
            /**
             * Format: int64
             * @description Lines that it was computed from.
             */
            lines: number;
            /**
             * @description A cell for each column: RFC 3339 for times, text for fields, null where lines lack the field or a number has no
             *     values, `…` for everything that did not fit the bounds. Buckets of time without lines have no row.
             * @example [
             *       [
             *         "checkout",
             *         1200,
             *         87.5
             *       ]
             *     ]
             */
            rows: Record<string, never>[][];
            stats: components["schemas"]["StatsView"];
        };
        /** Format: uuid */
        UserId: string;
        /** @description A saved view. */
        ViewView: {
            columns: components["schemas"]["Columns"];
            /** Format: date-time */
            created_at: string;
            environment?: components["schemas"]["Name"] | null;
            from?: components["schemas"]["Name"] | null;
            id: components["schemas"]["SavedViewId"];
            level?: components["schemas"]["Name"] | null;
            /** @description Whether the caller owns it. */
            mine: boolean;
            /** @example checkout errors */
            name: string;
            /** @example card_declined */
            q: string;
            service?: components["schemas"]["Name"] | null;
            /** @description Whether every member sees it, or its owner only. */
            shared: boolean;
            to?: components["schemas"]["Name"] | null;
            /** Format: date-time */
            updated_at: string;
            /** @description The owner; `GET /api/members` knows the name. */
            user_id: components["schemas"]["UserId"];
        };
        /** @description One of the windows. */
        WindowView: {
            /** Format: date-time */
            from: string;
            /**
             * Format: int64
             * @description Lines that are left out where the answer is partial, if that is known.
             */
            left_out?: number | null;
            /**
             * Format: int64
             * @description Lines that match, in all patterns.
             */
            lines: number;
            stats: components["schemas"]["StatsView"];
            /** Format: date-time */
            to: string;
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

// Made by scripts/types.mjs from the OpenAPI document of identity.
export interface paths {
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The audit log of the active organisation, newest first. */
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
                        "application/json": components["schemas"]["Page_AuditView"];
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
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Opens a session: the cookie `sightline_session`. Failures are slowed down per account and per address; a browser that
         *     has logged in to the account before (`sightline_device`) is counted apart, so that nobody can lock its owner out.
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
                    "application/json": components["schemas"]["LoginRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_SignedInView"];
                    };
                };
                /** @description the e-mail or the password is wrong */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
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
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends this session. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
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
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/signup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a person, their organisation with them as admin, and its service `default` with the environments `production`
         *     and `staging`. Signs them in: the cookie `sightline_session`.
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
                    "application/json": components["schemas"]["SignupRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_SignedInView"];
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
                /** @description the e-mail has an account */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
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
    "/api/invites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Invites that nobody has accepted, oldest first. */
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
                        "application/json": components["schemas"]["Page_InviteView"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Invites somebody for seven days. Give them the link: it is shown this once. An earlier invite of the same e-mail
         *     stops working.
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
                    "application/json": components["schemas"]["CreateInviteRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_CreatedInviteView"];
                    };
                };
                /** @description they are a member already */
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
    "/api/invites/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Joins the organisation of an invite that was sent to the caller's own e-mail, and makes it the active one. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AcceptInviteRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_OrgView"];
                    };
                };
                /** @description it was sent to another e-mail */
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
                /** @description it was used, or has expired, or the caller is a member */
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
    "/api/invites/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraws an invite that nobody has accepted. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["InviteId"];
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
    "/api/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a key: it is refused everywhere within five seconds. Revoking it again changes nothing. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ApiKeyId"];
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
    "/api/keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a new key with the same settings, shown once in the answer. The old one ends now, or after `grace_seconds`. Whoever
         *     may not make such a key may not rotate it, and may revoke it.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["ApiKeyId"];
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /**
                         * Format: int64
                         * @description Seconds for which the old key stays valid, at most 30 days; 0 when absent.
                         */
                        grace_seconds?: number;
                    } | null;
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_CreatedKeyView"];
                    };
                };
                /** @description the key's scopes need an admin */
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
                /** @description the key has ended already */
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
    "/api/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is signed in, and where. With a personal access token: whom it acts as, and as what; its role is the lower of its
         *     own and its owner's.
         */
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
                        "application/json": components["schemas"]["Data_MeView"];
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
    "/api/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Members of the active organisation, oldest first. */
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
                        "application/json": components["schemas"]["Page_MemberView"];
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
    "/api/members/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Removes a member: admins anybody, others only themselves. Their sessions lose the organisation and their personal access
         *     tokens end at once; the keys that they made stay.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    user_id: components["schemas"]["UserId"];
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
                /** @description removing somebody else needs the admin role */
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
                /** @description they are the last admin */
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
        options?: never;
        head?: never;
        /** Gives a member another role, from their next request on. The last admin stays one. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    user_id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeRoleRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_MemberView"];
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
                /** @description they are the last admin */
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
    "/api/orgs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's organisations, oldest first. */
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
                        "application/json": components["schemas"]["Page_OrgView"];
                    };
                };
            };
        };
        put?: never;
        /** Makes an organisation with the caller as admin and a service `default`, and makes it the active one. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateOrgRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_OrgView"];
                    };
                };
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
    "/api/orgs/active": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Makes one of the caller's organisations the active one of this session, and of the sessions to come. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ActivateOrgRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_OrgView"];
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
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Services of the active organisation, oldest first. */
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
                        "application/json": components["schemas"]["Page_ServiceView"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a service with the environments `production` and `staging`. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateServiceRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_ServiceDetailView"];
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
    "/api/services/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One service with its environments. */
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
                        "application/json": components["schemas"]["Data_ServiceDetailView"];
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
         * Deletes a service with its environments, keys, rules and history. Its keys stop working everywhere, and its logs
         *     disappear.
         */
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
        /** Changes a service. A shorter retention hides older logs at once. */
        patch: {
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
                    "application/json": components["schemas"]["ChangeServiceRequest"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_ServiceView"];
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
    "/api/services/{id}/environments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Environments of a service, oldest first. */
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
                        "application/json": components["schemas"]["Page_EnvironmentView"];
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
        /** Makes an environment. */
        post: {
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
                    "application/json": components["schemas"]["CreateEnvironmentRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_EnvironmentView"];
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
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services/{id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Keys of a service, newest first; revoked and expired ones too. */
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
                        "application/json": components["schemas"]["Page_KeyView"];
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
        /**
         * Makes a key for one environment. The answer shows it once. A key that reaches beyond that environment (`logs:route`,
         *     `logs:create`) is an admin's to make.
         */
        post: {
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
                    "application/json": components["schemas"]["CreateKeyRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_CreatedKeyView"];
                    };
                };
                /** @description these scopes need an admin */
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
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's live sessions, newest first. */
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
                        "application/json": components["schemas"]["Page_SessionView"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Ends all of the caller's sessions but this one. */
        delete: {
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
                        "application/json": components["schemas"]["Data_EndedView"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends one of the caller's sessions; this one is a logout. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["SessionId"];
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
    "/api/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's tokens in the active organisation, newest first; revoked and expired ones too. */
        get: {
            parameters: {
                query?: {
                    /** @description The tokens of all members instead of one's own; for admins. */
                    all?: boolean;
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
                        "application/json": components["schemas"]["Page_TokenView"];
                    };
                };
                /** @description `all` needs the admin role */
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
        put?: never;
        /**
         * Makes a token that acts as the caller in the active organisation. The answer shows it once. Needs a session: a token
         *     cannot make tokens.
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
                    "application/json": components["schemas"]["CreateTokenRequest"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Data_CreatedTokenView"];
                    };
                };
                /** @description such as a role above the caller's own */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description no organisation is active, or the caller brought a token */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                /** @description the caller has 50 live tokens already */
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
    "/api/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revokes a token: admins any of the organisation, others their own. It is refused from the next request on. Revoking it
         *     again changes nothing. A token without the admin role can revoke itself only.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: components["schemas"]["PersonalTokenId"];
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
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AcceptInviteRequest: {
            token: string;
        };
        ActivateOrgRequest: {
            org_id: components["schemas"]["OrgId"];
        };
        /** @description Who did it; without a user it was an application or Sightline itself. */
        ActorView: {
            email?: string | null;
            token_id?: components["schemas"]["PersonalTokenId"] | null;
            user_id?: components["schemas"]["UserId"] | null;
        };
        /** Format: uuid */
        ApiKeyId: string;
        /** Format: uuid */
        AuditId: string;
        AuditView: {
            /** @description `<target>.<verb>`, such as `api_key.revoke`. */
            action: string;
            actor: components["schemas"]["ActorView"];
            /** @description The target's public fields after the change; null when it is gone. */
            after?: unknown;
            /** Format: date-time */
            at: string;
            /** @description The target's public fields before the change; null when it is new. */
            before?: unknown;
            id: components["schemas"]["AuditId"];
            ip?: string | null;
            request_id?: string | null;
            /** Format: uuid */
            target_id?: string | null;
            target_type: string;
        };
        ChangeRoleRequest: {
            role: components["schemas"]["Role"];
        };
        /** @description What is absent stays as it is; a `repo_url` of null takes the address away. */
        ChangeServiceRequest: {
            description?: components["schemas"]["Description"] | null;
            name?: components["schemas"]["Name"] | null;
            /** Format: uri */
            repo_url?: string | null;
            retention_days?: components["schemas"]["RetentionDays"] | null;
        };
        CreateEnvironmentRequest: {
            name: components["schemas"]["Name"];
        };
        CreateInviteRequest: {
            email: components["schemas"]["Email"];
            role: components["schemas"]["Role"];
        };
        CreateKeyRequest: {
            /** @description One of this service's environments. */
            environment_id: components["schemas"]["EnvironmentId"];
            /**
             * Format: date-time
             * @description The key lives for ever when absent.
             */
            expires_at?: string | null;
            name: components["schemas"]["Name"];
            /**
             * Format: int64
             * @description Log lines a minute; the installation's default when absent.
             */
            rate_limit_per_minute?: number | null;
            /**
             * @description What the key may be used for; `logs:write` and `deployments:write` when absent. `logs:route` lets lines go to other
             *     services and environments of the organisation, where OpenTelemetry names them, and `logs:create` also makes those
             *     that are named first; only an admin can give these two.
             */
            scopes?: components["schemas"]["KeyScope"][] | null;
        };
        CreateOrgRequest: {
            name: components["schemas"]["Name"];
        };
        CreateServiceRequest: {
            description?: components["schemas"]["Description"];
            name: components["schemas"]["Name"];
            repo_url?: components["schemas"]["RepoUrl"] | null;
            retention_days?: components["schemas"]["RetentionDays"] | null;
        };
        CreateTokenRequest: {
            /**
             * Format: int64
             * @description The token lives for ever when absent.
             */
            expires_in_days?: number | null;
            /** @description What it is for: `grafana`, `my laptop`. */
            name: components["schemas"]["Name"];
            role?: components["schemas"]["Role"] | null;
        };
        CreatedInviteView: components["schemas"]["InviteView"] & {
            /** @description Shown this once. */
            token: string;
            /** @description The page that accepts the invite. The token stands behind the #, so that no server on the way logs it. */
            url: string;
        };
        CreatedKeyView: components["schemas"]["KeyView"] & {
            /** @description The key itself, shown this once: `slk_` and 38 more characters. */
            key: string;
        };
        CreatedTokenView: components["schemas"]["TokenView"] & {
            /** @description The token itself, shown this once: `slp_` and 38 more characters. */
            token: string;
        };
        Data_CreatedInviteView: {
            data: components["schemas"]["InviteView"] & {
                /** @description Shown this once. */
                token: string;
                /** @description The page that accepts the invite. The token stands behind the #, so that no server on the way logs it. */
                url: string;
            };
        };
        Data_CreatedKeyView: {
            data: components["schemas"]["KeyView"] & {
                /** @description The key itself, shown this once: `slk_` and 38 more characters. */
                key: string;
            };
        };
        Data_CreatedTokenView: {
            data: components["schemas"]["TokenView"] & {
                /** @description The token itself, shown this once: `slp_` and 38 more characters. */
                token: string;
            };
        };
        Data_EndedView: {
            data: {
                /**
                 * Format: int64
                 * @description How many sessions were ended.
                 */
                ended: number;
            };
        };
        Data_EnvironmentView: {
            data: {
                /** Format: date-time */
                created_at: string;
                id: components["schemas"]["EnvironmentId"];
                name: string;
                service_id: components["schemas"]["ServiceId"];
            };
        };
        Data_MeView: {
            data: {
                org?: components["schemas"]["OrgView"] | null;
                /** @description All of the caller's organisations, oldest first; of a token, its own. */
                orgs: components["schemas"]["OrgView"][];
                user: components["schemas"]["UserView"];
            };
        };
        Data_MemberView: {
            data: {
                /**
                 * Format: date-time
                 * @description When the membership began.
                 */
                created_at: string;
                email: string;
                name: string;
                role: components["schemas"]["Role"];
                user_id: components["schemas"]["UserId"];
            };
        };
        Data_OrgView: {
            /** @description An organisation, and the caller's role in it. */
            data: {
                id: components["schemas"]["OrgId"];
                name: string;
                role: components["schemas"]["Role"];
            };
        };
        Data_ServiceDetailView: {
            /** @description A service with its environments (its first hundred), oldest first. */
            data: components["schemas"]["ServiceView"] & {
                environments: components["schemas"]["EnvironmentView"][];
            };
        };
        Data_ServiceView: {
            data: {
                /** Format: date-time */
                created_at: string;
                description: string;
                id: components["schemas"]["ServiceId"];
                name: string;
                repo_url?: string | null;
                /**
                 * Format: int32
                 * @description How many days its logs are kept.
                 */
                retention_days: number;
            };
        };
        Data_SignedInView: {
            /** @description Who came in, and the organisation that is active; null when they belong to none. */
            data: {
                org?: components["schemas"]["OrgView"] | null;
                user: components["schemas"]["UserView"];
            };
        };
        /** @description Free text of at most 2,000 characters; line breaks and tabs are the only control characters in it. */
        Description: string;
        /**
         * Format: email
         * @description A lower-cased address. The check is deliberately shallow (one `@`, no blanks, bounded): only a delivered mail
         *     proves an address, and refusing a working one is the worse mistake.
         */
        Email: string;
        EndedView: {
            /**
             * Format: int64
             * @description How many sessions were ended.
             */
            ended: number;
        };
        /** Format: uuid */
        EnvironmentId: string;
        EnvironmentView: {
            /** Format: date-time */
            created_at: string;
            id: components["schemas"]["EnvironmentId"];
            name: string;
            service_id: components["schemas"]["ServiceId"];
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
        /** Format: uuid */
        InviteId: string;
        InviteView: {
            /** Format: date-time */
            created_at: string;
            email: string;
            expired: boolean;
            /** Format: date-time */
            expires_at: string;
            id: components["schemas"]["InviteId"];
            invited_by?: components["schemas"]["UserId"] | null;
            role: components["schemas"]["Role"];
        };
        /**
         * @description What a key may be used for. A key can write only: nothing can be read with it.
         * @enum {string}
         */
        KeyScope: "logs:write" | "deployments:write" | "logs:route" | "logs:create" | "alerts:write";
        /** @enum {string} */
        KeyStatus: "live" | "expired" | "revoked";
        /** @description A key as people see it after its creation: without its secret. */
        KeyView: {
            /** Format: date-time */
            created_at: string;
            created_by?: components["schemas"]["UserId"] | null;
            environment_id: components["schemas"]["EnvironmentId"];
            /** Format: date-time */
            expires_at?: string | null;
            id: components["schemas"]["ApiKeyId"];
            /** @description The key's first ten characters. */
            key_prefix: string;
            /** Format: date-time */
            last_used_at?: string | null;
            name: string;
            /**
             * Format: int32
             * @description Log lines a minute; null means the installation's default.
             */
            rate_limit_per_minute?: number | null;
            /** Format: date-time */
            revoked_at?: string | null;
            scopes: components["schemas"]["KeyScope"][];
            service_id: components["schemas"]["ServiceId"];
            status: components["schemas"]["KeyStatus"];
        };
        LoginRequest: {
            email: components["schemas"]["Email"];
            /** Format: password */
            password: string;
        };
        MeView: {
            org?: components["schemas"]["OrgView"] | null;
            /** @description All of the caller's organisations, oldest first; of a token, its own. */
            orgs: components["schemas"]["OrgView"][];
            user: components["schemas"]["UserView"];
        };
        MemberView: {
            /**
             * Format: date-time
             * @description When the membership began.
             */
            created_at: string;
            email: string;
            name: string;
            role: components["schemas"]["Role"];
            user_id: components["schemas"]["UserId"];
        };
        /** @description A trimmed, non-empty, single-line text of at most 200 characters without control characters. */
        Name: string;
        /**
         * Format: uuid
         * @description The tenant. Every stored tenant row belongs to exactly one.
         */
        OrgId: string;
        /** @description An organisation, and the caller's role in it. */
        OrgView: {
            id: components["schemas"]["OrgId"];
            name: string;
            role: components["schemas"]["Role"];
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_AuditView: {
            data: {
                /** @description `<target>.<verb>`, such as `api_key.revoke`. */
                action: string;
                actor: components["schemas"]["ActorView"];
                /** @description The target's public fields after the change; null when it is gone. */
                after?: unknown;
                /** Format: date-time */
                at: string;
                /** @description The target's public fields before the change; null when it is new. */
                before?: unknown;
                id: components["schemas"]["AuditId"];
                ip?: string | null;
                request_id?: string | null;
                /** Format: uuid */
                target_id?: string | null;
                target_type: string;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_EnvironmentView: {
            data: {
                /** Format: date-time */
                created_at: string;
                id: components["schemas"]["EnvironmentId"];
                name: string;
                service_id: components["schemas"]["ServiceId"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_InviteView: {
            data: {
                /** Format: date-time */
                created_at: string;
                email: string;
                expired: boolean;
                /** Format: date-time */
                expires_at: string;
                id: components["schemas"]["InviteId"];
                invited_by?: components["schemas"]["UserId"] | null;
                role: components["schemas"]["Role"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_KeyView: {
            data: {
                /** Format: date-time */
                created_at: string;
                created_by?: components["schemas"]["UserId"] | null;
                environment_id: components["schemas"]["EnvironmentId"];
                /** Format: date-time */
                expires_at?: string | null;
                id: components["schemas"]["ApiKeyId"];
                /** @description The key's first ten characters. */
                key_prefix: string;
                /** Format: date-time */
                last_used_at?: string | null;
                name: string;
                /**
                 * Format: int32
                 * @description Log lines a minute; null means the installation's default.
                 */
                rate_limit_per_minute?: number | null;
                /** Format: date-time */
                revoked_at?: string | null;
                scopes: components["schemas"]["KeyScope"][];
                service_id: components["schemas"]["ServiceId"];
                status: components["schemas"]["KeyStatus"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_MemberView: {
            data: {
                /**
                 * Format: date-time
                 * @description When the membership began.
                 */
                created_at: string;
                email: string;
                name: string;
                role: components["schemas"]["Role"];
                user_id: components["schemas"]["UserId"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_OrgView: {
            data: {
                id: components["schemas"]["OrgId"];
                name: string;
                role: components["schemas"]["Role"];
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_ServiceView: {
            data: {
                /** Format: date-time */
                created_at: string;
                description: string;
                id: components["schemas"]["ServiceId"];
                name: string;
                repo_url?: string | null;
                /**
                 * Format: int32
                 * @description How many days its logs are kept.
                 */
                retention_days: number;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_SessionView: {
            data: {
                /** Format: date-time */
                created_at: string;
                /** @description Whether this request belongs to it. */
                current: boolean;
                /** Format: date-time */
                expires_at: string;
                id: components["schemas"]["SessionId"];
                ip?: string | null;
                /**
                 * Format: date-time
                 * @description To the minute.
                 */
                last_seen_at: string;
                user_agent?: string | null;
            }[];
            next_cursor?: string | null;
        };
        /** @description One page of a list; `next_cursor` is null at the end. */
        Page_TokenView: {
            data: {
                /** Format: date-time */
                created_at: string;
                /** @description Whether this request was made with it. */
                current: boolean;
                email: string;
                /** Format: date-time */
                expires_at?: string | null;
                id: components["schemas"]["PersonalTokenId"];
                /**
                 * Format: date-time
                 * @description To the minute.
                 */
                last_used_at?: string | null;
                name: string;
                /** Format: date-time */
                revoked_at?: string | null;
                /** @description The most that it may do; if its owner's role is lower, that counts. */
                role: components["schemas"]["Role"];
                status: components["schemas"]["TokenStatus"];
                /** @description The token's first ten characters. */
                token_prefix: string;
                /** @description Whom it acts as. */
                user_id: components["schemas"]["UserId"];
            }[];
            next_cursor?: string | null;
        };
        /**
         * Format: uuid
         * @description A personal access token.
         */
        PersonalTokenId: string;
        /**
         * Format: uri
         * @description Where a service's code lives. It becomes a link, so only web addresses without credentials pass.
         */
        RepoUrl: string;
        /**
         * Format: int32
         * @description How many days a service's logs are kept.
         */
        RetentionDays: number;
        /**
         * @description Roles in rising order: each may do everything that the ones before it may.
         * @enum {string}
         */
        Role: "viewer" | "developer" | "admin";
        /** @description A service with its environments (its first hundred), oldest first. */
        ServiceDetailView: components["schemas"]["ServiceView"] & {
            environments: components["schemas"]["EnvironmentView"][];
        };
        /** Format: uuid */
        ServiceId: string;
        ServiceView: {
            /** Format: date-time */
            created_at: string;
            description: string;
            id: components["schemas"]["ServiceId"];
            name: string;
            repo_url?: string | null;
            /**
             * Format: int32
             * @description How many days its logs are kept.
             */
            retention_days: number;
        };
        /** Format: uuid */
        SessionId: string;
        SessionView: {
            /** Format: date-time */
            created_at: string;
            /** @description Whether this request belongs to it. */
            current: boolean;
            /** Format: date-time */
            expires_at: string;
            id: components["schemas"]["SessionId"];
            ip?: string | null;
            /**
             * Format: date-time
             * @description To the minute.
             */
            last_seen_at: string;
            user_agent?: string | null;
        };
        /** @description Who came in, and the organisation that is active; null when they belong to none. */
        SignedInView: {
            org?: components["schemas"]["OrgView"] | null;
            user: components["schemas"]["UserView"];
        };
        SignupRequest: {
            email: components["schemas"]["Email"];
            name?: components["schemas"]["Name"] | null;
            /** @description The name of the new organisation. */
            org_name: components["schemas"]["Name"];
            /**
             * Format: password
             * @description 8 to 128 characters, and not one of the most common passwords.
             */
            password: string;
        };
        /** @enum {string} */
        TokenStatus: "live" | "expired" | "revoked";
        /** @description A token as people see it after its creation: without its secret. */
        TokenView: {
            /** Format: date-time */
            created_at: string;
            /** @description Whether this request was made with it. */
            current: boolean;
            email: string;
            /** Format: date-time */
            expires_at?: string | null;
            id: components["schemas"]["PersonalTokenId"];
            /**
             * Format: date-time
             * @description To the minute.
             */
            last_used_at?: string | null;
            name: string;
            /** Format: date-time */
            revoked_at?: string | null;
            /** @description The most that it may do; if its owner's role is lower, that counts. */
            role: components["schemas"]["Role"];
            status: components["schemas"]["TokenStatus"];
            /** @description The token's first ten characters. */
            token_prefix: string;
            /** @description Whom it acts as. */
            user_id: components["schemas"]["UserId"];
        };
        /** Format: uuid */
        UserId: string;
        UserView: {
            email: string;
            id: components["schemas"]["UserId"];
            name: string;
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

//! A service's HTTP server: started, found ready, and stopped in order.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, ResponseError as _, web};
use db::{Db, DbConfig, DbError};
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::TokenUses;
use crate::{ApiError, Clock, CommonConfig, context, health, openapi, telemetry};

/// What every handler and background task of a service shares. Cheap to clone.
#[derive(Clone)]
pub struct Kit {
    pub db: Db,
    pub clock: Clock,
    pub internal_secret: SecretString,
    pub trusted_proxies: Vec<IpNet>,
    pub token_uses: TokenUses,
    /// Cancelled when the service is told to stop: background loops end, and `/readyz` says no.
    pub stopping: CancellationToken,
    /// Servers beside the one of HTTP. They refuse new work once `stopping` is cancelled, and end with their last request.
    pub servers: TaskTracker,
    /// Cancelled when the last request has been answered: what requests lean on may end now.
    pub requests_done: CancellationToken,
    /// Why the service does not want to serve although PostgreSQL answers; `/readyz` says it.
    pub reluctance: watch::Sender<Option<String>>,
    /// Background tasks; the service waits for them before it exits.
    pub tasks: TaskTracker,
}

impl Kit {
    /// Makes the parts from the configuration; nothing is connected yet. Call it on the main runtime.
    pub fn new(service: &str, config: &CommonConfig, clock: Clock) -> Result<Self, DbError> {
        let db = Db::new(&DbConfig {
            max_connections: config.database_pool_size,
            ..DbConfig::new(
                config.database_url.expose_secret(),
                format!("sightline-{service}"),
            )
        })?;
        Ok(Self {
            db,
            clock,
            internal_secret: config.internal_secret.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            token_uses: TokenUses::default(),
            stopping: CancellationToken::new(),
            servers: TaskTracker::new(),
            requests_done: CancellationToken::new(),
            reluctance: watch::Sender::new(None),
            tasks: TaskTracker::new(),
        })
    }
}

/// A service that is serving.
pub struct Running {
    pub addr: SocketAddr,
    kit: Kit,
    handle: actix_web::dev::ServerHandle,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Binds the address and serves `routes` with `state` until stopped. Health, metrics, OpenAPI, request ids, access logs
/// and the 404 envelope are added here.
pub fn serve<S: Send + Sync + 'static>(
    service: &'static str,
    config: &CommonConfig,
    kit: Kit,
    state: web::Data<S>,
    routes: fn(&mut ServiceConfig<'_>),
) -> std::io::Result<Running> {
    let listener = TcpListener::bind(config.listen_addr)?;
    let addr = listener.local_addr()?;
    let shared = web::Data::new(kit.clone());
    let server = HttpServer::new(move || {
        let (app, mut document) = App::new()
            .app_data(shared.clone())
            .app_data(state.clone())
            .into_utoipa_app()
            .openapi(openapi::base(service))
            .configure(routes)
            .split_for_parts();
        openapi::admit_tokens(&mut document);
        let document = web::Data::new(document);
        app.configure(health::routes)
            .route(
                "/openapi.json",
                web::get().to(move || answer_document(document.clone())),
            )
            .default_service(web::to(no_such_route))
            .wrap(from_fn(context::middleware))
    })
    .listen(listener)?
    .workers(std::thread::available_parallelism().map_or(2, std::num::NonZero::get))
    // A header that drips in is cut off (a slow body has its own deadline where it is read).
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(config.shutdown_seconds)
    .disable_signals()
    .run();
    let handle = server.handle();
    kit.tasks.spawn(telemetry::upkeep(kit.stopping.clone()));
    let server = tokio::spawn(server);
    tracing::info!(%addr, "{service} listens on {addr}");
    Ok(Running {
        addr,
        kit,
        handle,
        server,
    })
}

impl Running {
    /// Serves until SIGTERM or SIGINT, then stops in order.
    pub async fn until_signalled(self) -> std::io::Result<()> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result?,
        }
        tracing::info!("stopping");
        self.stop().await
    }

    /// Refuses new work, lets running requests finish, ends the background tasks, closes the pool.
    pub async fn stop(self) -> std::io::Result<()> {
        self.kit.stopping.cancel();
        self.handle.stop(true).await;
        let result = self.server.await.map_err(std::io::Error::other)?;
        self.kit.servers.close();
        self.kit.servers.wait().await;
        self.kit.requests_done.cancel();
        self.kit.tasks.close();
        self.kit.tasks.wait().await;
        self.kit.db.close();
        result
    }

    pub fn kit(&self) -> &Kit {
        &self.kit
    }
}

async fn answer_document(document: web::Data<utoipa::openapi::OpenApi>) -> HttpResponse {
    HttpResponse::Ok().json(document.get_ref())
}

async fn no_such_route() -> HttpResponse {
    ApiError::NotFound { what: "this route" }.error_response()
}

//! The server as a library: configuration, the router, serving it on a socket.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::builtin::NAMESPACES;
use crate::clock::Clock;
use crate::credentials::{Authority, SERVER_NAME, Token};
use crate::durable::{self, Disk, OpenError};
use crate::faults::{Fault, Faults, Matcher, Request};
use crate::handlers::Call;
use crate::limits::Limits;
use crate::namespace;
use crate::request::Parameters;
use crate::route::{self, Route};
use crate::shared::Shared;
use crate::state::State;
use crate::status::ApiError;
use crate::{access, discovery, gate, openapi, response, transport};

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer token every request must carry. Without one, [`Server::router`] asks for none, and
    /// [`Server::serve`] refuses.
    pub token: Option<Token>,
    /// The authority behind the certificate; absent: one that ends with the server.
    pub authority: Option<Authority>,
    /// Names and addresses by which clients reach the server, for its certificate; it has those of this machine itself,
    /// and the address listened on.
    pub names: Vec<String>,
    /// Whether other machines may connect. Otherwise [`Server::serve`] takes loopback addresses only.
    pub beyond_loopback: bool,
    /// How many changes of each resource are kept for watches and for later pages of a list; older ones are 410.
    pub history: usize,
    /// For how long at least changes are kept on disk, within `history`. In memory time plays no part.
    pub history_age: Duration,
    /// How often a watch that allows bookmarks gets one.
    pub bookmark_interval: Duration,
    /// How many requests [`Server::requests`] and [`Server::faults`] remember: for tests, and memory to do without.
    pub remembered_requests: usize,
    /// What one client may cost.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            token: None,
            authority: None,
            names: Vec::new(),
            beyond_loopback: false,
            history: 10_000,
            // As the real server's (`--etcd-compaction-interval`).
            history_age: Duration::from_mins(5),
            bookmark_interval: Duration::from_mins(1),
            remembered_requests: 100_000,
            limits: Limits::default(),
        }
    }
}

/// A Kubernetes API server in this process. Clones share everything.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// A server in memory, with the namespaces every cluster has and nothing else.
    pub fn new(config: Config) -> Self {
        let clock = Clock::start();
        let mut state = State::new(config.history);
        add_initial_namespaces(&mut state, clock);
        Self { shared: Arc::new(Shared::new(config, clock, state, None)) }
    }

    /// A server that keeps everything in `directory`, and goes on with what is there.
    ///
    /// The directory is created where it is missing. It belongs to this server until [`Self::close`] is done, or the
    /// process ends in whatever way: nothing that was answered is lost then.
    ///
    /// # Errors
    /// When another process uses the directory, when it cannot be read and written, when the database is damaged (every
    /// page and every object is checked) or of a newer version.
    pub fn open(directory: &Path, config: Config) -> Result<Self, OpenError> {
        let clock = Clock::start();
        let (state, disk, writer) = durable::open(directory, config.history, |state| {
            add_initial_namespaces(state, clock);
            // Those that were ending when the process did.
            namespace::end_all(state, &clock.seconds());
        })?;
        let shared = Arc::new(Shared::new(config, clock, state, Some(disk)));
        writer.start(&shared).map_err(|error| OpenError::Files {
            action: "start a thread for",
            path: directory.to_owned(),
            error,
        })?;
        Ok(Self { shared })
    }

    /// Ends the use of the data directory: what was written is complete there, and another server may open it. Writes
    /// are refused from now on. Without a data directory nothing happens.
    pub async fn close(&self) {
        if let Some(disk) = self.shared.disk() {
            disk.close().await;
        }
    }

    /// Copies everything into one new file, while the server goes on; see [`backup`](crate::backup()).
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the server keeps nothing on disk.
    pub fn backup(&self, to: &Path) -> Result<(), OpenError> {
        match self.shared.disk() {
            Some(disk) => durable::backup(disk.directory(), to),
            None => Err(OpenError::InMemory),
        }
    }

    /// The API as a service: hand it to `kube::Client::new(server.router(), "default")`, or serve it.
    pub fn router(&self) -> Router {
        Router::new().fallback(gate::authenticated).with_state(self.shared.clone())
    }

    /// The API for this process itself, which has no token to show: requests are trusted. Never serve this one.
    pub fn trusted_router(&self) -> Router {
        Router::new().fallback(gate::trusted).with_state(self.shared.clone())
    }

    /// Serves the API on a listening socket until `shutdown` is done; watches end then too. Over HTTPS, and on a
    /// loopback address also over HTTP.
    ///
    /// # Errors
    /// When there is no token, when the address is not loopback without [`Config::beyond_loopback`], when the socket
    /// cannot be used, or no certificate can be made.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let address = listener.local_addr()?;
        self.may_listen(address)?;
        let shared = self.shared.clone();
        let tls = self.shared.authority()?.serving(&shared.config.names, address.ip())?;
        let ending = async move {
            shutdown.await;
            shared.faults.drop_watches();
        };
        transport::serve(listener, tls, self.router(), &self.shared.config.limits, ending).await
    }

    fn may_listen(&self, address: SocketAddr) -> std::io::Result<()> {
        if self.shared.config.token.is_none() {
            return Err(std::io::Error::other(
                "a server without a token does not listen: everybody could do everything",
            ));
        }
        if !address.ip().is_loopback() && !self.shared.config.beyond_loopback {
            let problem = format!("{address} is reachable from other machines, and nobody asked for that explicitly");
            return Err(std::io::Error::other(problem));
        }
        Ok(())
    }

    /// A kubeconfig for a server that listens on `address`. It contains the token.
    ///
    /// # Errors
    /// When no certificate can be made, or only a hash of the token is known.
    pub fn kubeconfig(&self, address: SocketAddr) -> std::io::Result<String> {
        use base64::Engine as _;
        let authority = base64::engine::general_purpose::STANDARD.encode(self.shared.authority()?.certificate_pem());
        let cluster = json!({
            "server": format!("https://{}", connectable(address)), "certificate-authority-data": authority,
            "tls-server-name": SERVER_NAME,
        });
        let user = match &self.shared.config.token {
            None => json!({}),
            Some(token) => json!({ "token": token.secret().ok_or_else(only_a_hash)? }),
        };
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "hostwright",
            "clusters": [{ "name": "hostwright", "cluster": cluster }],
            "users": [{ "name": "hostwright", "user": user }],
            "contexts": [{ "name": "hostwright", "context": {
                "cluster": "hostwright", "user": "hostwright", "namespace": "default",
            } }],
        });
        // JSON is YAML, and needs no second writer.
        Ok(format!("{config:#}\n"))
    }

    /// Faults to order, and the record of requests.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.faults.requests()
    }

    /// From now on answers matching gets, lists and watches as of this moment, until [`Faults::release_reads`].
    pub fn freeze_reads(&self, matcher: Matcher) {
        let revision = self.shared.read().store.revision();
        self.shared.faults.freeze(matcher, revision);
    }

    /// Forgets the history that watches and later pages need, as a real server does every few minutes.
    pub fn compact(&self) {
        if let Ok(mut state) = self.shared.write() {
            state.store.compact();
        }
    }
}

fn add_initial_namespaces(state: &mut State, clock: Clock) {
    for name in namespace::INITIAL {
        if state.store.get(NAMESPACES, &(String::new(), name.to_owned())).is_none() {
            state.put(NAMESPACES, initial_namespace(name, &clock.seconds()));
        }
    }
}

/// An address that stands for all addresses of a machine, as one of them.
fn connectable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn only_a_hash() -> std::io::Error {
    std::io::Error::other("only a hash of the token is kept, and a kubeconfig needs the token itself; make a new token")
}

fn initial_namespace(name: &str, now: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {
            "name": name, "uid": uuid::Uuid::new_v4().to_string(), "creationTimestamp": now,
            "labels": { "kubernetes.io/metadata.name": name },
        },
        "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" },
    })
}

fn header(headers: &HeaderMap, name: &http::HeaderName) -> String {
    // Clients may split one list over several headers of the same name.
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

/// Answers a request, once everything the answer tells of is on disk.
pub(crate) async fn answer(shared: &Arc<Shared>, parts: &Parts, body: Bytes) -> Response<Body> {
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path();
    let accept = header(&parts.headers, &ACCEPT);
    let content_type = header(&parts.headers, &CONTENT_TYPE);
    if parts.method == http::Method::POST && path == access::PATH {
        return match access::review(&body, &content_type) {
            Ok(review) => response::json(201, &review, &[]),
            Err(error) => response::error(&error, &[]),
        };
    }
    if parts.method == http::Method::GET {
        if let Some(answer) = health(shared, path) {
            return answer;
        }
        match durable::settled(shared, || about_the_server(shared, path, &accept)).await {
            Ok(Some(answer)) => return answer,
            Ok(None) => {}
            Err(error) => return response::error(&error, &[]),
        }
    } else if is_discovery(path) && about_the_server(shared, path, &accept).is_some() {
        return response::error(&ApiError::unrouted_method(), &[]);
    }
    let Route { place, resource, verb } = match route::route(&shared.read().registry, &parts.method, path, &parameters)
    {
        Ok(route) => route,
        Err(error) => return response::error(&error, &[]),
    };
    let request = Request {
        verb: verb.to_owned(),
        resource: resource.subject().to_string(),
        subresource: place.subresource.clone().unwrap_or_default(),
        namespace: place.namespace.clone().unwrap_or_default(),
        name: place.name.clone().unwrap_or_default(),
        status: 0,
        user_agent: header(&parts.headers, &USER_AGENT),
        dry_run: parameters.get("dryRun").is_some(),
    };
    let call = Call {
        shared: shared.clone(),
        resource,
        path: place,
        parameters,
        request,
        content_type,
        accept,
        body,
        ticket: OnceLock::new(),
    };
    with_faults(shared, call).await
}

/// Whether the process works, and whether it takes requests.
fn health(shared: &Shared, path: &str) -> Option<Response<Body>> {
    let check = path.trim_start_matches('/').split('/').next()?;
    if !matches!(check, "healthz" | "livez" | "readyz") {
        return None;
    }
    Some(match shared.disk().and_then(Disk::outage) {
        Some(outage) if check == "readyz" => {
            response::text(500, format!("[+]ping ok\n[-]disk failed: {}\nreadyz check failed\n", outage.message))
        }
        _ => response::text(200, "ok"),
    })
}

/// Whether a path is no longer than those that say what is served.
fn is_discovery(path: &str) -> bool {
    !path.starts_with("/openapi") && path.split('/').filter(|part| !part.is_empty()).count() <= 3
}

fn about_the_server(shared: &Shared, path: &str, accept: &str) -> Option<Response<Body>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let json = |body: Value| Some(response::json(200, &body, &[]));
    let state = shared.read();
    let registry = &state.registry;
    let aggregated = |core: bool| {
        let mut response = response::json(200, &discovery::aggregated(registry, core), &[]);
        let media = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(media));
        Some(response)
    };
    match parts.as_slice() {
        ["version"] => json(discovery::version()),
        ["api"] if discovery::wants_aggregated(accept) => aggregated(true),
        ["apis"] if discovery::wants_aggregated(accept) => aggregated(false),
        ["api"] => json(discovery::core_versions("127.0.0.1")),
        ["apis"] => json(discovery::groups(registry)),
        ["api", version] => discovery::resources(registry, "", version).and_then(json),
        ["apis", group] => discovery::group(registry, group).and_then(json),
        ["apis", group, version] => discovery::resources(registry, group, version).and_then(json),
        ["openapi", rest @ ..] => openapi::answer(registry, rest),
        _ => None,
    }
}

/// Lets the ordered faults happen around the request.
async fn with_faults(shared: &Shared, mut call: Call) -> Response<Body> {
    let mut record = call.request.clone();
    let faults = shared.faults.take(&record);
    for fault in &faults {
        if let Fault::Latency(duration) = fault {
            sleep(*duration).await;
        }
    }
    let subject = call.resource.subject().to_string();
    if let Some(answer) = faults.iter().find_map(|fault| fault_before(fault, &call)) {
        record.status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        shared.faults.record(record);
        return answer.unwrap_or_else(disconnect);
    }
    let answer = durable::answered(shared, &mut call).await;
    if call.resource.table == NAMESPACES && record.verb.starts_with("delete") {
        namespace::end_soon(&call.shared);
    }
    record.status = answer.status().as_u16();
    tracing::debug!(verb = record.verb, resource = subject, name = record.name, status = record.status, "answered");
    let disturbed = faults.iter().find_map(|fault| match fault {
        Fault::ErrorAfter => Some(response::error(&ApiError::internal("an ordered fault, after the effect"), &[])),
        Fault::DisconnectAfter => Some(disconnect()),
        _ => None,
    });
    shared.faults.record(record);
    disturbed.unwrap_or(answer)
}

/// The answer instead of an effect; `Some(None)` is a broken connection.
#[expect(clippy::option_option, reason = "no fault, a fault without an answer, and a fault with one are three things")]
fn fault_before(fault: &Fault, call: &Call) -> Option<Option<Response<Body>>> {
    let error = |error: &ApiError| Some(Some(response::error(error, &[])));
    match fault {
        Fault::Conflict => error(&ApiError::modified(call.resource.subject(), call.name())),
        Fault::TooManyRequests(after) => {
            error(&ApiError::too_many_requests(after.as_secs(), "too many requests, please try again later"))
        }
        Fault::ErrorBefore => error(&ApiError::internal("an ordered fault, without an effect")),
        Fault::DisconnectBefore => Some(None),
        Fault::Latency(_) | Fault::ErrorAfter | Fault::DisconnectAfter => None,
    }
}

/// An answer whose body breaks off: the client sees a failed connection, on a socket as in process.
fn disconnect() -> Response<Body> {
    let broken = futures::stream::once(async {
        Err::<bytes::Bytes, _>(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "an ordered fault"))
    });
    Response::new(Body::from_stream(broken))
}

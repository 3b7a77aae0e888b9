//! The page: how runs stand, in a browser. It only shows; there is nothing that it could be asked to do.
//!
//! Every viewer is sent the latest view as a server-sent event and no other: one that stops reading holds up nobody, and
//! misses what was in between.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::metrics;
use crate::patience::{Patience, Patient};
use crate::view::View;

/// How runs stand, with the text that every viewer is sent.
#[derive(Debug)]
pub struct Shown {
    /// each run that is watched
    pub views: Vec<View>,
    json: String,
}

impl Shown {
    /// How these runs stand.
    #[must_use]
    pub fn new(views: Vec<View>) -> Self {
        let json = serde_json::to_string(&views).map_or_else(|_| "[]".to_owned(), proto::text::json);
        Self { views, json }
    }

    /// As a JSON array of [`View`].
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// What the page is served with.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// without it nothing is shown; anybody who can reach the address may look where there is none
    pub token: Option<String>,
    /// whether `/metrics` is there
    pub metrics: bool,
}

/// So many viewers at a time are sent views.
const VIEWERS: usize = 64;
/// A viewer hears something at least so often, and is missed where he is gone.
const ALIVE: Duration = Duration::from_secs(15);

/// A request is a few hundred bytes; a viewer that takes nothing for longer than he is sent something is gone.
const PATIENCE: Patience = Patience { to_ask: Duration::from_secs(10), idle: Duration::from_secs(45) };

/// What a page may load and do: its own script and style, and its own views.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

#[derive(Debug, Clone)]
struct Served {
    shown: watch::Receiver<Arc<Shown>>,
    viewers: Arc<Semaphore>,
    page: Page,
}

/// Serves the page until the process ends.
///
/// # Errors
/// When the connection that listens fails.
pub async fn serve(
    listener: TcpListener,
    page: Page,
    shown: watch::Receiver<Arc<Shown>>,
) -> std::io::Result<()> {
    axum::serve(Patient::new(listener, PATIENCE), router(page, shown)).await
}

fn router(page: Page, shown: watch::Receiver<Arc<Shown>>) -> Router {
    let has_metrics = page.metrics;
    let served = Served { shown, viewers: Arc::new(Semaphore::new(VIEWERS)), page };
    let text = |kind: &'static str, text: &'static str| {
        move || async move { ([(header::CONTENT_TYPE, kind)], text) }
    };
    let mut told = Router::new().route("/view.json", get(view)).route("/views", get(views));
    if has_metrics {
        told = told.route("/metrics", get(collected));
    }
    // What shows it is the same for everybody, and tells nothing.
    Router::new()
        .merge(told.layer(from_fn_with_state(served.clone(), may_look)))
        .route("/", get(text("text/html; charset=utf-8", include_str!("page/page.html"))))
        .route("/page.css", get(text("text/css; charset=utf-8", include_str!("page/page.css"))))
        .route("/page.js", get(text("text/javascript; charset=utf-8", include_str!("page/page.js"))))
        .layer(map_response(bounded))
        .with_state(served)
}

async fn view(State(served): State<Served>) -> impl IntoResponse {
    let json = served.shown.borrow().json.clone();
    ([(header::CONTENT_TYPE, "application/json")], json)
}

async fn collected(State(served): State<Served>) -> impl IntoResponse {
    let text = metrics::text(&served.shown.borrow().views);
    ([(header::CONTENT_TYPE, metrics::TYPE)], text)
}

async fn views(State(served): State<Served>) -> Response {
    match served.viewers.clone().try_acquire_owned() {
        Ok(place) => {
            Sse::new(sent(served.shown, place)).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
        }
        Err(_) => {
            let full = format!("{VIEWERS} viewers are looking already; close one, or collect /view.json\n");
            (StatusCode::SERVICE_UNAVAILABLE, full).into_response()
        }
    }
}

/// Each view as it comes. It is asked for only where the one before has been taken.
fn sent(
    mut shown: watch::Receiver<Arc<Shown>>,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    shown.mark_changed();
    stream::unfold((shown, place), |(mut shown, place)| async move {
        shown.changed().await.ok()?;
        let event = Event::default().data(&shown.borrow_and_update().json);
        Some((Ok(event), (shown, place)))
    })
}

/// Lets through who may look.
async fn may_look(State(served): State<Served>, request: Request, next: Next) -> Response {
    let refused = match &served.page.token {
        Some(token) => (!bears(&request, token)).then_some((
            StatusCode::UNAUTHORIZED,
            "a token is needed: open the page as /#token=…, or send Authorization: Bearer …\n",
        )),
        // A page of somebody else that a browser here has open must not read this one under a name of its own.
        None => (!names_an_address(request.headers())).then_some((
            StatusCode::MISDIRECTED_REQUEST,
            "this is served under its address or localhost, not under another name\n",
        )),
    };
    match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    }
}

/// Tells browsers what the page may do.
async fn bounded(mut response: Response) -> Response {
    let own: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in own {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn bears(request: &Request, token: &str) -> bool {
    let header = request.headers().get(header::AUTHORIZATION);
    let in_header = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let query = request.uri().query().unwrap_or_default();
    let in_query = query.split('&').find_map(|part| part.strip_prefix("token="));
    in_header.or(in_query).is_some_and(|given| is_same(given, token))
}

/// Whether two texts are the same; how long it takes does not tell where they part.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |apart, (a, b)| apart | (a ^ b)) == 0
}

fn names_an_address(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests;

//! All HTTP, in and out: pages, the JSON API, webhooks, the road. One file a noun, as in `trade`.
//!
//! Every request goes, from the outside in: numbered and counted ([`request`]), panics caught, security
//! headers, compression, who asks in which language ([`page::Ask`]), writes sent again answered again
//! ([`idempotency`]), failures made readable ([`problem`]), cross-site posts refused
//! ([`auth`]), the noun's own routes. Handlers parse, hand one command to the hub, and show what it
//! answered; no rule is decided here.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use hub::Hub;
use hub::meter::Counters;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use trade::card::Mode;
use trade::commands::Command;
use trade::replay::SampleTrades;
use trade::site::Site;
use trade::time::WallTime;

use crate::door::Doors;
use crate::problem::{Answer, Failure};

pub mod advance;
pub mod api;
pub mod assets;
pub mod auth;
pub mod bag;
pub mod calculator;
pub mod cast;
pub mod certificate;
pub mod charge;
pub mod classification;
pub mod clearance;
pub mod client;
pub mod custody;
pub mod declaration;
pub mod dispute;
pub mod door;
pub mod escrow;
pub mod estimate;
pub mod evidence;
pub mod fall;
pub mod front;
pub mod handling;
pub mod health;
pub mod i18n;
pub mod idempotency;
pub mod jobs;
pub mod log;
pub mod lookout;
pub mod mandate;
pub mod manifest;
pub mod metrics;
pub mod money;
pub mod node;
pub mod offer;
pub mod operator;
pub mod order;
pub mod origin;
pub mod page;
pub mod party;
pub mod payee;
pub mod payment;
pub mod payout;
pub mod peer;
pub mod permit;
pub mod print;
pub mod problem;
pub mod product;
pub mod pump;
pub mod quote;
pub mod recovery;
pub mod replay;
pub mod request;
pub mod returns;
pub mod rulebook;
pub mod sale;
pub mod schema;
pub mod settlement;
pub mod signed;
pub mod since;
pub mod start;
pub mod stock;
pub mod terms;
pub mod trade_file;
pub mod variance;
pub mod verify;
pub mod waybill;
pub mod webhook;

/// A price list may have 10 MB (`papers`); everything else stays far below.
const BODY_MAX: usize = 11 * 1024 * 1024;

/// What every handler may use.
#[derive(Clone)]
pub struct AppState(Arc<App>);

pub struct App {
    pub hub: Hub,
    pub settings: Settings,
    pub doorman: auth::Doorman,
    pub road: recovery::RoadDesk,
    pub lookout: lookout::Lookout,
    pub waiting: peer::join::Waiting,
    pub requests: request::Requests,
    pub shelf: rulebook::Shelf,
    /// What happened because time passed, by kind and what came of it.
    pub jobs: Counters<2>,
    /// One replay at a time: it takes every core that there is.
    pub tunnel: Arc<tokio::sync::Semaphore>,
    samples: std::sync::OnceLock<Arc<dyn SampleTrades>>,
}

/// What a hub's operator sets for its pages.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the pages are reached, without a slash at the end: `https://hub.example`.
    pub url: String,
    /// Where this process itself listens, `http://127.0.0.1:8701`: the sandbox's payment firm sends
    /// its webhooks there.
    pub local_url: String,
    /// The secret shared with the payment firm that sends webhooks.
    pub payment_secret: [u8; 32],
    /// In a sandbox: hubs that show their card become peers without an operator's doing.
    pub accepts_peers: bool,
}

impl AppState {
    #[must_use]
    pub fn new(hub: Hub, settings: Settings) -> Self {
        Self(Arc::new(App {
            hub,
            settings,
            doorman: auth::Doorman::default(),
            road: recovery::RoadDesk::default(),
            lookout: lookout::Lookout::default(),
            waiting: peer::join::Waiting::default(),
            requests: request::Requests::default(),
            shelf: rulebook::Shelf::default(),
            jobs: Counters::default(),
            tunnel: Arc::new(tokio::sync::Semaphore::new(1)),
            samples: std::sync::OnceLock::new(),
        }))
    }

    /// Lends trades that have not been to the wind tunnel; whoever lends first has lent.
    #[must_use]
    pub fn with_samples(self, samples: Arc<dyn SampleTrades>) -> Self {
        let _ = self.samples.set(samples);
        self
    }

    #[must_use]
    pub fn samples(&self) -> Option<Arc<dyn SampleTrades>> {
        self.samples.get().cloned()
    }

    #[must_use]
    pub fn site(&self) -> &Site {
        self.hub.site()
    }

    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.site().mode == Mode::Sandbox
    }

    /// The real clock: sessions, signatures, throttling. Business time is the hub's.
    #[must_use]
    pub fn wall(&self) -> WallTime {
        self.hub.wall_now()
    }

    /// Hands one command to the hub; a refusal keeps its code and values.
    pub async fn submit(&self, command: Command) -> Answer<Value> {
        Ok(self.hub.submit(command).await??)
    }

    /// The same, with the answer as the command's own type.
    pub async fn submit_as<T: DeserializeOwned>(&self, command: Command) -> Answer<T> {
        let answer = self.submit(command).await?;
        serde_json::from_value(answer).map_err(|error| {
            tracing::error!(%error, "an answer of the hub is not what it should be");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500")
        })
    }

    /// Random bytes from the operating system.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// A fresh id, ordered by the real clock.
    #[must_use]
    pub fn fresh<T: trade::id::Noun>(&self) -> trade::id::Id<T> {
        let millis = u64::try_from(self.wall().micros().div_euclid(1000)).unwrap_or(0);
        trade::id::Id::new(millis, &self.random())
    }
}

impl std::ops::Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

/// Every door of a hub; what stands in no noun's list cannot be reached.
#[must_use]
pub fn doors() -> Doors {
    Doors::new()
        .merge(page::routes())
        .merge(front::routes())
        .merge(party::routes())
        .merge(product::routes())
        .merge(origin::routes())
        .merge(offer::routes())
        .merge(quote::routes())
        .merge(terms::routes())
        .merge(estimate::routes())
        .merge(calculator::routes())
        .merge(rulebook::routes())
        .merge(classification::routes())
        .merge(order::routes())
        .merge(payee::routes())
        .merge(payment::routes())
        .merge(start::routes())
        .merge(trade_file::routes())
        .merge(waybill::routes())
        .merge(sale::routes())
        .merge(certificate::routes())
        .merge(declaration::routes())
        .merge(permit::routes())
        .merge(mandate::routes())
        .merge(clearance::routes())
        .merge(custody::routes())
        .merge(handling::routes())
        .merge(stock::routes())
        .merge(bag::routes())
        .merge(manifest::routes())
        .merge(escrow::routes())
        .merge(returns::routes())
        .merge(dispute::routes())
        .merge(evidence::routes())
        .merge(payout::routes())
        .merge(advance::routes())
        .merge(settlement::routes())
        .merge(variance::routes())
        .merge(operator::routes())
        .merge(peer::routes())
        .merge(node::routes())
        .merge(log::routes())
        .merge(recovery::routes())
        .merge(replay::routes())
        .merge(verify::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(money::routes())
        .merge(webhook::routes())
        .merge(api::routes())
}

/// All doors mounted. What belongs to a sandbox alone is not mounted in production.
pub fn router(app: AppState) -> Router {
    let sandbox = app.is_sandbox();
    let nouns = doors().router(sandbox).layer(DefaultBodyLimit::max(BODY_MAX));
    nouns
        .fallback(problem::no_such_page)
        .layer(from_fn(auth::refuse_cross_site))
        .layer(from_fn_with_state(app.clone(), problem::readable))
        .layer(from_fn_with_state(app.clone(), idempotency::once))
        .layer(from_fn_with_state(app.clone(), page::ask))
        .merge(assets::routes().router(sandbox))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), assets::security_headers))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), request::watch))
        .with_state(app)
}

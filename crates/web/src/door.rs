//! The doors of a hub: every route, with who may pass and what is sent, in one list.
//!
//! The router, the documentation of the API and the test that tries every door with everybody all come
//! from it. A route cannot be mounted without being on the list.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use trade::party::Role;
use trade::trade_file::Side;

use crate::AppState;
use crate::schema::Schema;

/// Who may pass. The handler's own guards keep the door; `tests/house/access.rs` proves that they
/// do what is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Anybody, signed in or not.
    Anyone,
    /// Whoever has signed in; what it finds there is its own.
    Signed,
    /// Parties with one of these roles.
    Only(&'static [Role]),
    /// Those who have a part in what the path names: of sellers and buyers the one whose it is, of the
    /// other roles here everybody.
    Parts(&'static [Role]),
    /// An accepted hub, by its signature (RFC 9421).
    Peer,
    /// Another node of this hub, by the hub's own signature.
    Node,
    /// The payment firm, by its signature (Standard Webhooks).
    PaymentFirm,
}

pub const ANYONE: May = May::Anyone;
pub const SIGNED: May = May::Signed;

#[must_use]
pub const fn only(roles: &'static [Role]) -> May {
    May::Only(roles)
}

#[must_use]
pub const fn parts(roles: &'static [Role]) -> May {
    May::Parts(roles)
}

/// What is sent through a door, with a sample that can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    Nothing,
    Json(&'static str),
    /// `application/x-www-form-urlencoded`, as a page sends it.
    Form(&'static str),
    /// A file under this name in `multipart/form-data`.
    File(&'static str),
    /// The body is the file.
    Bytes(&'static str),
}

/// What comes back where it went well.
#[derive(Clone, Copy, Debug)]
pub enum Gives {
    /// A page, which says it itself.
    Page,
    Nothing(u16),
    Json(u16, fn() -> Schema),
    /// A file of this media type.
    File(&'static str),
}

/// One way in.
#[derive(Clone, Debug)]
pub struct Door {
    pub method: Method,
    /// As the router has it: `/trades/{id}`.
    pub path: &'static str,
    pub may: May,
    pub sends: Sends,
    /// The shape of the JSON that is sent.
    pub takes: Option<fn() -> Schema>,
    /// A sample of what is asked in the address.
    pub asks: &'static str,
    /// What may be asked there.
    pub query: &'static [&'static str],
    pub gives: Gives,
    /// Other statuses of success, without a body or with the same.
    pub also: &'static [u16],
    /// Where there is something behind it on one side of the border alone.
    pub at: Option<Side>,
    /// Not mounted in production.
    pub sandbox: bool,
    /// Most bytes of a body, where it is not the router's own limit.
    pub limit: Option<usize>,
}

const fn door(method: Method, path: &'static str, may: May) -> Door {
    Door {
        method,
        path,
        may,
        sends: Sends::Nothing,
        takes: None,
        asks: "",
        query: &[],
        gives: Gives::Page,
        also: &[],
        at: None,
        sandbox: false,
        limit: None,
    }
}

#[must_use]
pub const fn get(path: &'static str, may: May) -> Door {
    door(Method::GET, path, may)
}

#[must_use]
pub const fn post(path: &'static str, may: May) -> Door {
    door(Method::POST, path, may)
}

#[must_use]
pub const fn delete(path: &'static str, may: May) -> Door {
    door(Method::DELETE, path, may)
}

impl Door {
    /// A body in JSON, with a sample.
    #[must_use]
    pub const fn json(mut self, sample: &'static str) -> Self {
        self.sends = Sends::Json(sample);
        self
    }

    /// A form, with a sample.
    #[must_use]
    pub const fn form(mut self, sample: &'static str) -> Self {
        self.sends = Sends::Form(sample);
        self
    }

    /// A file that a page sends, under this name.
    #[must_use]
    pub const fn file(mut self, name: &'static str) -> Self {
        self.sends = Sends::File(name);
        self
    }

    /// A file that a machine sends, of this media type.
    #[must_use]
    pub const fn bytes(mut self, media_type: &'static str) -> Self {
        self.sends = Sends::Bytes(media_type);
        self
    }

    /// The shape of the JSON that is sent.
    #[must_use]
    pub const fn takes(mut self, shape: fn() -> Schema) -> Self {
        self.takes = Some(shape);
        self
    }

    /// A sample of what is asked in the address: `from=kul.sandbox`.
    #[must_use]
    pub const fn asks(mut self, sample: &'static str) -> Self {
        self.asks = sample;
        self
    }

    #[must_use]
    pub const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// JSON of this shape, with this status.
    #[must_use]
    pub const fn gives(mut self, status: u16, shape: fn() -> Schema) -> Self {
        self.gives = Gives::Json(status, shape);
        self
    }

    #[must_use]
    pub const fn also(mut self, statuses: &'static [u16]) -> Self {
        self.also = statuses;
        self
    }

    #[must_use]
    pub const fn gives_nothing(mut self, status: u16) -> Self {
        self.gives = Gives::Nothing(status);
        self
    }

    #[must_use]
    pub const fn gives_file(mut self, media_type: &'static str) -> Self {
        self.gives = Gives::File(media_type);
        self
    }

    #[must_use]
    pub const fn at(mut self, side: Side) -> Self {
        self.at = Some(side);
        self
    }

    #[must_use]
    pub const fn in_sandbox(mut self) -> Self {
        self.sandbox = true;
        self
    }

    #[must_use]
    pub const fn limit(mut self, bytes: usize) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Whether machines use it: it speaks JSON, and is documented.
    #[must_use]
    pub fn is_api(&self) -> bool {
        self.path.starts_with("/api/v1/")
    }

    /// Its name in the documentation and in the words: `post-trades-id-waybill`.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.path.trim_start_matches("/api/v1/");
        let path: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let parts: Vec<&str> = path.split('-').filter(|part| !part.is_empty()).collect();
        format!("{}-{}", self.method.as_str().to_ascii_lowercase(), parts.join("-"))
    }

    /// The noun that it belongs to: the first part of its path.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        self.path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default()
    }
}

/// Doors with what stands behind them.
#[derive(Default)]
pub struct Doors {
    all: Vec<(Door, MethodRouter<AppState>)>,
}

impl Doors {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a door; `handler` is what it opens.
    #[must_use]
    pub fn open<H, T>(mut self, door: Door, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let method = MethodFilter::try_from(door.method.clone()).expect("doors are made for methods of HTTP");
        let route = on(method, handler);
        let route = match door.limit {
            Some(max) => route.layer(DefaultBodyLimit::max(max)),
            None => route,
        };
        self.all.push((door, route));
        self
    }

    #[must_use]
    pub fn merge(mut self, more: Self) -> Self {
        self.all.extend(more.all);
        self
    }

    /// What there is, in a sandbox or in production.
    pub fn list(&self, sandbox: bool) -> impl Iterator<Item = &Door> {
        self.all.iter().map(|(door, _)| door).filter(move |door| sandbox || !door.sandbox)
    }

    /// Mounts them.
    pub fn router(self, sandbox: bool) -> Router<AppState> {
        let mounted = self.all.into_iter().filter(|(door, _)| sandbox || !door.sandbox);
        mounted.fold(Router::new(), |router, (door, route)| router.route(door.path, route))
    }
}

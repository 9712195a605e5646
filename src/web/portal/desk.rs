//! Who reads a page, on which node and in which language: what every handler of the portal begins with.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use crate::domain::{Role, Text};
use crate::exchange::CASE_MATERIALS;
use crate::ids::{DepartmentId, EntryName, TxId};
use crate::service::sign_in::Owes;
use crate::service::{Node, Principal, ServiceError};
use crate::web::extract::{CallerName, address, session_token};
use crate::web::problem::Problem;

use super::cookies;
use super::form::Fields;
use super::keys;
use super::language;
use super::views::{Contact, Flash, Page, User};
use super::words::{Lang, Words};

/// The header of what a page that lies open asks by itself: it keeps no session alive.
pub const LIVE: &str = "mulu-live";

/// A request of the portal.
#[derive(Clone)]
pub struct Desk {
    /// The node.
    pub node: Node,
    /// The reader's language.
    pub t: Words,
    /// Who is signed in.
    pub who: Option<Principal>,
    /// What a form must bring back: the session's secret, or the guest's.
    pub csrf: String,
    /// Whether htmx asks for a part of the page.
    pub partial: bool,
    /// Fields of the query string.
    pub query: Fields,
    /// The session's secret.
    pub token: Option<String>,
    /// What the reader must do before anything else.
    pub owes: Option<Owes>,
    /// From where the request comes, as the node sees it.
    pub from: Option<IpAddr>,
    flash: Option<(String, Option<TxId>)>,
    path: String,
}

impl Desk {
    /// Finds out who asks. Once a request: the portal's middleware keeps it for handlers.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(request: &HttpRequest) -> Result<Self, Problem> {
        let mut desk = Self::bare(request)?;
        let Some(token) = session_token(request, &desk.node) else { return Ok(desk) };
        let attended = !request.headers().contains_key(LIVE);
        match desk.node.session(&token, attended).await {
            Ok(session) => {
                request.extensions_mut().insert(CallerName(session.principal.user.clone()));
                desk.who = Some(Principal { from: desk.from, ..session.principal });
                desk.owes = session.owes;
                desk.csrf = session.csrf;
                desk.token = Some(token);
            }
            Err(ServiceError::NotSignedIn) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(desk)
    }

    /// As [`Desk::find`], without looking who it is.
    ///
    /// # Errors
    /// `internal`, when the server was put together without a node.
    pub fn bare(request: &HttpRequest) -> Result<Self, Problem> {
        let node = request.app_data::<web::Data<Node>>().ok_or_else(|| Problem::internal("the web knows no node"))?;
        Ok(Self {
            node: node.get_ref().clone(),
            t: Words::of(language::chosen(request, node.local.settings().settings.language.into())),
            who: None,
            csrf: cookies::guest(request),
            partial: request.headers().contains_key("hx-request"),
            query: Fields::read(request.query_string()).unwrap_or_default(),
            token: None,
            owes: None,
            from: address(request),
            flash: cookies::flash(request),
            path: page_path(request),
        })
    }

    /// The request's desk, as the middleware kept it.
    ///
    /// # Errors
    /// `internal`, where the portal's middleware is missing.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let kept = request.extensions().get::<Self>().cloned();
        kept.ok_or_else(|| Problem::internal("a page without the portal's middleware"))
    }

    /// The frame of the page that is asked for.
    pub fn page(&self) -> Page {
        self.page_at(&self.path)
    }

    /// The frame of a page that lies elsewhere, for an answer to a form.
    pub fn page_at(&self, path: &str) -> Page {
        // Before the state is held: they look into it too.
        let flashes = self.flashes();
        let set = self.node.local.settings();
        let notice = set.settings.notice.as_ref().filter(|notice| notice.is_shown(&self.node.clock.now().date()));
        let pick = |text: &Text| self.t.pick(text).to_owned();
        let contact = set.settings.contact.as_ref().map(|contact| Contact {
            desk: pick(&contact.desk),
            telephone: contact.telephone.clone(),
            hours: contact.hours.as_ref().map(pick).unwrap_or_default(),
        });
        let state = self.node.chain.state();
        let user =
            self.who.as_ref().map(|who| User { name: who.user.clone(), roles: who.roles.iter().copied().collect() });
        let own = state.department(&self.node.department).map(|own| pick(&own.name));
        let city = state.genesis().map(|genesis| pick(&genesis.city));
        Page {
            lang: self.t.lang(),
            department: own.unwrap_or_default(),
            city: city.unwrap_or_default(),
            user,
            csrf: self.csrf.clone(),
            path: path.to_owned(),
            flashes,
            notice: notice.map(|notice| pick(&notice.text)),
            contact,
        }
    }

    /// Path and query of the page, without `lang`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The reader's language.
    pub fn lang(&self) -> Lang {
        self.t.lang()
    }

    /// Whether the reader has a role.
    pub fn is(&self, role: Role) -> bool {
        self.who.as_ref().is_some_and(|who| who.has(role))
    }

    /// Whether a person is the reader.
    pub fn is_user(&self, user: &str) -> bool {
        self.who.as_ref().is_some_and(|who| who.user == user)
    }

    /// Whether a department is the node's own.
    pub fn is_own(&self, department: &DepartmentId) -> bool {
        department == &self.node.department
    }

    /// A department's name in the reader's language.
    pub fn department(&self, id: &DepartmentId) -> String {
        let state = self.node.chain.state();
        state.department(id).map_or_else(|| id.to_string(), |known| self.t.pick(&known.name).to_owned())
    }

    /// A purpose's name in the reader's language; empty for one that the city's list does not have.
    pub fn purpose(&self, code: &str) -> String {
        let known = self.node.purposes().iter().find(|purpose| purpose.code == code);
        known.map(|purpose| self.t.pick(&purpose.name).to_owned()).unwrap_or_default()
    }

    /// An entry's title in the reader's language.
    pub fn entry_title(&self, name: &EntryName) -> String {
        let state = self.node.chain.state();
        if name.name.as_str() == CASE_MATERIALS {
            return self.t.say("case-materials");
        }
        let found = state.entry(name).map(|history| self.t.pick(&history.current().entry.title).to_owned());
        found.unwrap_or_else(|| name.to_string())
    }

    fn flashes(&self) -> Vec<Flash> {
        let flash = |(code, id): &(String, Option<TxId>)| {
            // A code that nobody knows shows nothing: cookies can be planted.
            let text = self.t.word_or("flash", code, "");
            (!text.is_empty()).then(|| Flash { kind: "done", text, transaction: id.map(|id| id.to_string()) })
        };
        self.flash.as_ref().and_then(flash).into_iter().chain(keys::warnings(self)).collect()
    }

    /// Whether a word about the last action waits to be shown.
    pub fn has_flash(&self) -> bool {
        self.flash.is_some()
    }
}

impl FromRequest for Desk {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// Somebody signed in.
pub struct Visitor {
    desk: Desk,
    /// Who.
    pub who: Principal,
}

impl Visitor {
    /// The request's visitor.
    ///
    /// # Errors
    /// `not_authenticated`, which the middleware answers with the way to the sign-in page.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let desk = Desk::of(request)?;
        let who = desk.who.clone().ok_or_else(|| Problem::new("not_authenticated"))?;
        Ok(Self { desk, who })
    }
}

impl Deref for Visitor {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// Path and query as the browser sent them, without `lang`; the first page for what only answers forms.
fn page_path(request: &HttpRequest) -> String {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return "/".to_owned();
    }
    let kept: Vec<&str> =
        request.query_string().split('&').filter(|field| !field.is_empty() && !field.starts_with("lang=")).collect();
    if kept.is_empty() { request.path().to_owned() } else { format!("{}?{}", request.path(), kept.join("&")) }
}

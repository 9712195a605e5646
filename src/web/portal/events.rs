//! `GET /events`: tells an open page that something changed (server-sent events, WHATWG HTML 9.2). It carries no data:
//! the page asks for its part anew, under its own session. The stream ends with the session and with the node.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::stream;

use crate::readmodel::local::sessions::session_id;
use crate::service::changes::{Place, Topic};
use crate::service::{Node, ServiceError};
use crate::web::problem::Problem;

use super::desk::Visitor;
use super::render::Answer;

/// What keeps proxies from closing a quiet stream, and notices a session that has ended.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// A page is told at most this often.
const GAP: Duration = Duration::from_secs(1);
/// After this long the browser connects anew.
const BEGIN: &str = "retry: 5000\n\n";

struct Events {
    node: Node,
    token: String,
    topic: Topic,
    place: Place,
    begun: bool,
    over: bool,
}

/// The stream.
pub async fn events(visitor: Visitor) -> Answer {
    let topic = match visitor.query.get("topic") {
        "" => Topic::Work,
        name => Topic::of(name).ok_or_else(|| Problem::new("invalid_parameter"))?,
    };
    let token = visitor.token.clone().ok_or_else(|| Problem::new("not_authenticated"))?;
    let place = visitor.node.changes.enter(session_id(&token), topic)?;
    let events = Events { node: visitor.node.clone(), token, topic, place, begun: false, over: false };
    let lines = stream::unfold(events, |mut events| async {
        let line = events.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(line)), events))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies that gather answers before they pass them on leave this one alone.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(lines))
}

impl Events {
    async fn next(&mut self) -> Option<String> {
        if self.over || *self.place.ended.borrow() {
            return None;
        }
        if !self.begun {
            self.begun = true;
            return Some(BEGIN.to_owned());
        }
        let changed = tokio::select! {
            changed = self.place.changed.changed() => changed.is_ok(),
            _ = self.place.ended.changed() => return None,
            () = tokio::time::sleep(HEARTBEAT) => false,
        };
        if !self.is_signed_in().await {
            self.over = true;
            return Some("event: end\ndata: session\n\n".to_owned());
        }
        if !changed {
            return Some(": still here\n\n".to_owned());
        }
        tokio::select! {
            () = tokio::time::sleep(GAP) => {}
            _ = self.place.ended.changed() => return None,
        }
        let count = *self.place.changed.borrow_and_update();
        Some(format!("event: {}\ndata: {count}\n\n", self.topic.as_str()))
    }

    /// A stream keeps no session alive. What cannot be looked up now is looked up with the next beat.
    async fn is_signed_in(&self) -> bool {
        match self.node.session(&self.token, false).await {
            Ok(session) => session.owes.is_none(),
            Err(ServiceError::NotSignedIn) => false,
            Err(_) => true,
        }
    }
}

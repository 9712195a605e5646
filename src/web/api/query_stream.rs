//! All pages of a query as lines of JSON: one page in memory at a time, and none asked for before the last one was read.
//!
//! Each page is an access of its own: decided, counted, recorded and sealed by itself. Lines are objects with one member:
//! `page` (whose rows follow), `row`, and at last `end`, or `problem` with the `cursor` from which to go on. An answer
//! without such a last line was cut off.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::exchange::QueryAnswer;
use crate::ids::EntryName;
use crate::service::queries::QueryRequest;
use crate::service::{Node, Principal};
use crate::web::language::Language;
use crate::web::middleware::request_id::RequestId;
use crate::web::problem::Problem;

use super::views::audit;

/// Media type of lines of JSON.
pub const NDJSON: &str = "application/x-ndjson";

/// Whether the caller wants lines.
pub(super) fn accepts_lines(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|range| range.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(NDJSON)))
}

/// In which language, and under which request's id, a problem inside an answer is told.
pub(super) struct Voice {
    language: Language,
    request_id: String,
}

impl Voice {
    /// That of a request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let request_id = request.extensions().get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default();
        Self { language: Language::of(request.headers()), request_id }
    }

    /// The problem's members.
    pub(super) fn says(&self, problem: &Problem) -> Value {
        problem.body(self.language, &self.request_id)
    }
}

/// A query whose pages are to follow one another.
pub(super) struct Pages {
    pub node: Data<Node>,
    pub caller: Principal,
    pub entry: EntryName,
    pub request: QueryRequest,
    pub voice: Voice,
}

/// What comes next.
enum Step {
    Write(Box<QueryAnswer>),
    Ask(String),
    End,
}

/// How far the answer has come.
struct Progress {
    pages: Pages,
    step: Option<Step>,
    page_count: u64,
    row_count: u64,
}

impl Pages {
    /// The answer, whose first page is there. It ends when its reader goes away: no further page is asked for.
    pub(super) fn stream(mut self, first: QueryAnswer) -> HttpResponse {
        // An idempotency key names the first page's access; each other one is an access of its own.
        self.caller.reserved = None;
        let progress = Progress { pages: self, step: Some(Step::Write(Box::new(first))), page_count: 0, row_count: 0 };
        let lines = futures_util::stream::unfold(progress, |mut progress| async move {
            let lines = progress.next().await?;
            Some((Ok::<Bytes, Error>(lines), progress))
        });
        HttpResponse::Ok().content_type(NDJSON).streaming(lines)
    }
}

impl Progress {
    async fn next(&mut self) -> Option<Bytes> {
        match self.step.take()? {
            Step::Write(answer) => Some(self.write(*answer)),
            Step::Ask(cursor) => {
                let request = QueryRequest { cursor: Some(cursor.clone()), ..self.pages.request.clone() };
                match self.pages.node.query(&self.pages.caller, self.pages.entry.clone(), request).await {
                    Ok(answer) => Some(self.write(answer)),
                    Err(error) => {
                        let problem = self.pages.voice.says(&Problem::from(error));
                        Some(line(&json!({"problem": problem, "cursor": cursor})).into())
                    }
                }
            }
            Step::End => Some(line(&json!({"end": {"pages": self.page_count, "rows": self.row_count}})).into()),
        }
    }

    fn write(&mut self, answer: QueryAnswer) -> Bytes {
        let next = answer.next_cursor.clone();
        self.step = Some(next.map_or(Step::End, Step::Ask));
        let mut lines = Vec::with_capacity(answer.rows_bytes + 16 * answer.rows.len() + 2_048);
        let mut answer = audit::QueryAnswer::from(answer);
        let rows = std::mem::take(&mut answer.rows);
        self.page_count += 1;
        self.row_count += u64::try_from(rows.len()).unwrap_or_default();
        let mut page = json!(answer);
        if let Value::Object(members) = &mut page {
            members.insert("rows".into(), rows.len().into());
        }
        lines.extend(line(&json!({"page": page})));
        for row in rows {
            lines.extend_from_slice(b"{\"row\":");
            // Written straight into the lines: a copy of each row would double what a page takes.
            if serde_json::to_writer(&mut lines, &row).is_ok() {
                lines.extend_from_slice(b"}\n");
            }
        }
        lines.into()
    }
}

fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

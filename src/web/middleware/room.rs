//! A node whose disk is full takes no new work: what would be written is refused before anything happens.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::service::Node;
use crate::storage::disk::{Room, Verdict};
use crate::web::problem::Problem;

const RETRY_AFTER_S: u64 = 30;

/// The layer around API and portal. Reading goes on, and so does coming in to read.
///
/// # Errors
/// None of its own: problems are answers.
pub async fn room(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let room = request.app_data::<Data<Node>>().map(|node| node.disk.room());
    match room.filter(|room| !room.takes_work() && writes(request.method(), request.path())) {
        Some(room) => Ok(request.error_response(problem(&room)).map_into_boxed_body()),
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// Whether a request leaves something on the disk that was not asked for before. A session is small, and an operator who
/// wants to see what is the matter needs one.
fn writes(method: &Method, path: &str) -> bool {
    const SMALL: [&str; 5] = ["/sessions", "/sign-in", "/sign-in/code", "/sign-out", "/decisions/explain"];
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE)
        && !SMALL.iter().any(|end| path.ends_with(end))
}

fn problem(room: &Room) -> Problem {
    let detail = format!(
        "this node writes nothing new: {}. It goes on by itself when there is room; the nodes of other departments go on",
        room.detail()
    );
    let what = match room.verdict {
        Verdict::Unwritable => "磁盘不可写",
        _ => "磁盘空间不足",
    };
    let detail_zh = format!(
        "本节点{what}（剩余 {} MiB，预留 {} MiB），暂不写入新内容，请运维处理；恢复后自动继续，其他部门的节点不受影响。",
        room.free / (1024 * 1024),
        room.reserve / (1024 * 1024)
    );
    Problem::new("disk_full").detail(detail).detail_zh(detail_zh).retry_after(RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_coming_in_go_on() {
        for (method, path, expected) in [
            (Method::GET, "/api/v1/grants", false),
            (Method::POST, "/api/v1/grants", true),
            (Method::POST, "/drafts", true),
            (Method::POST, "/api/v1/query/tax/deed", true),
            (Method::POST, "/api/v1/sessions", false),
            (Method::POST, "/sign-in", false),
            (Method::POST, "/sign-in/code", false),
            (Method::POST, "/api/v1/decisions/explain", false),
            (Method::DELETE, "/api/v1/sessions/current", false),
        ] {
            assert_eq!(writes(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_problem_has_the_figures_and_says_when_it_ends() {
        let room = Room { verdict: Verdict::Full, free: 300 << 20, reserve: 512 << 20, why: None };
        let problem = problem(&room);
        assert_eq!(problem.code(), "disk_full");
        let english = problem.own_detail(crate::web::language::Language::En).unwrap();
        assert!(
            english.contains("300 MiB") && english.contains("512 MiB") && english.contains("by itself"),
            "{english}"
        );
        let response = problem.response(crate::web::language::Language::Zh, "x");
        assert_eq!(response.headers().get("retry-after").unwrap(), "30");
    }
}

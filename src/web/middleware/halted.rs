//! A node that met a contradiction serves nobody: neither callers, nor people, nor other nodes.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::consensus::Halted;
use crate::service::Node;
use crate::web::problem::Problem;

const RETRY_AFTER_S: u64 = 60;

/// The layer around everything but health, metrics and the API's description.
///
/// # Errors
/// None of its own: problems are answers.
pub async fn halted(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match request.app_data::<Data<Node>>().and_then(|node| node.halted()) {
        Some(why) => Ok(request.error_response(problem(&why)).map_into_boxed_body()),
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

fn problem(why: &Halted) -> Problem {
    let (kind, name) = (&why.kind, why.name());
    let detail = format!(
        "this node met a contradiction ({kind}) and stands still; the evidence is in {name} of its data directory. Its \
        operator reads it with `mulu ledger evidence {name}` and decides; other departments' nodes may go on"
    );
    let detail_zh = format!(
        "本节点发现矛盾（{kind}），已停止服务；证据保存在数据目录的 evidence/{name}。请运维用 mulu ledger evidence 查看后处置，其他部门的节点不受影响。"
    );
    Problem::new("halted").detail(detail).detail_zh(detail_zh).retry_after(RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_names_the_file_and_what_to_do() {
        let why = Halted { kind: "two_roots".into(), file: "/data/evidence/17-two_roots.json".into() };
        let problem = problem(&why);
        assert_eq!(problem.code(), "halted");
        let english = problem.own_detail(crate::web::language::Language::En).unwrap();
        assert!(english.contains("17-two_roots.json") && english.contains("mulu ledger evidence"), "{english}");
        assert!(why.advice().contains("--accept") && why.advice().contains("17-two_roots.json"));
    }
}

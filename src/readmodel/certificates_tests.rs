//! Certificates in listings: what lapsed, what took its place, what is to be shown.

use std::sync::Arc;

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::certificate::{Operation, TypeRef};
use crate::domain::command::Command;
use crate::readmodel::testing::{MakeHome, TestLedger, on_both, text};
use crate::readmodel::tests::{follow, own};

on_both!(a_certificate_lapses_with_its_time_and_with_its_successor);

fn a_certificate_lapses_with_its_time_and_with_its_successor(home: MakeHome) {
    let home = home();
    let (ledger, model) = (Arc::new(TestLedger::new("mulu-test")), home.open());
    let issue = |identifier: &str, operation, predecessor: Option<&str>| CertificateIssue {
        identifier: identifier.into(),
        type_name: text("完税证明"),
        valid_from: "2026-11-21".into(),
        valid_to: Some("2027-11-20".into()),
        document_digest: Hash([3; 32]),
        holder_commitment: Hash([4; 32]),
        case: None,
        details: Some(IssueDetails {
            kind: TypeRef { name: "tax-paid".parse().unwrap(), version: 1 },
            operation,
            predecessor: predecessor.map(str::to_owned),
            prepared_by: None,
        }),
    };
    let annotation =
        CertificateAnnotation { identifier: "1.2".into(), cause: "lost".into(), expires: Some("2026-12-01".into()) };
    ledger.add(vec![("tax", Command::IssueCertificate(issue("1.1", Operation::New, None)))]);
    ledger.add(vec![("tax", Command::IssueCertificate(issue("1.2", Operation::Extend, Some("1.1"))))]);
    ledger.add(vec![("tax", Command::AnnotateCertificate(annotation))]);
    follow(&ledger, &model, own("tax"));
    let found = |status, today: &str| -> Vec<String> {
        let kind = "tax-paid".parse().ok();
        let filter = CertificateFilter { status: Some((status, today.into())), kind, ..Default::default() };
        model.certificates(&filter).unwrap().items.into_iter().map(|view| view.issue.identifier).collect()
    };
    assert_eq!(found(CertificateStatus::Valid, "2027-11-20"), ["1.2"]);
    assert_eq!(found(CertificateStatus::Lapsed, "2027-11-20"), ["1.1"]);
    assert_eq!(found(CertificateStatus::Valid, "2027-11-21"), Vec::<String>::new());
    assert_eq!(found(CertificateStatus::Lapsed, "2027-11-21"), ["1.2", "1.1"]);
    let one = CertificateFilter { identifiers: Some(vec!["1.1".into()]), ..Default::default() };
    let one = &model.certificates(&one).unwrap().items[0];
    assert_eq!((one.successor.as_deref(), one.change.as_ref().unwrap().reason.as_str()), (Some("1.2"), "extend"));
    let newer = model.certificate("1.2").unwrap().unwrap();
    assert_eq!((newer.annotations_on("2026-12-01").count(), newer.annotations_on("2026-12-02").count()), (1, 0));
    assert_eq!(newer.status_on("2028-01-01"), CertificateStatus::Lapsed);
}

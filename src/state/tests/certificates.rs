//! E-licences on the ledger: types, issue by two persons, versions that follow each other, and what ends them.

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::certificate::{
    CertificateAnnotation, CertificateStatus, CertificateStatusChange, IssueDetails, Operation, TypeRef,
};
use crate::domain::certificate_type::{CertificateType, TypePublication};
use crate::domain::identifiers::certificate_identifier;

const CODE: &str = "11110000000021135M001";
const USCC: &str = "11110000000021135M";
const OTHER_REVIEWER: (&str, &str, Role) = ("civil-affairs", "reviewer2", Role::Reviewer);

fn kind(version: u32, by_hand: bool) -> CertificateType {
    let title = json!({"zh": "社会工作者证", "en": "Social worker's licence"});
    serde_json::from_value(json!({
        "name": "social-worker", "version": version, "type_code": CODE, "title": title, "by_hand": by_hand,
        "defining_authority": {"name": title, "code": USCC}, "holder_kind": "111", "validity": {"rule": "none"},
        "fields": {"type": "object", "properties": {}, "additionalProperties": false},
        "section": [], "legal_note": title,
    }))
    .unwrap()
}

pub(super) fn publication(version: u32, by_hand: bool) -> Command {
    Command::PublishCertificateType(TypePublication { document: kind(version, by_hand) })
}

pub(super) fn annotation(identifier: &str) -> Command {
    Command::AnnotateCertificate(CertificateAnnotation {
        identifier: identifier.into(),
        cause: "抵押".into(),
        expires: Some("2027-01-31".into()),
    })
}

fn identifier(serial: &str, version: u16) -> String {
    certificate_identifier::issue(CODE, USCC, serial, version).unwrap()
}

fn issue(serial: &str, version: u16, operation: Operation, predecessor: Option<String>) -> CertificateIssue {
    CertificateIssue {
        identifier: identifier(serial, version),
        type_name: text("社会工作者证"),
        valid_from: "2026-11-21".into(),
        valid_to: None,
        document_digest: Hash([1; 32]),
        holder_commitment: Hash([2; 32]),
        case: None,
        details: Some(IssueDetails {
            kind: TypeRef { name: "social-worker".parse().unwrap(), version: 1 },
            operation,
            predecessor,
            prepared_by: Some(actor("clerk1", Role::Clerk)),
        }),
    }
}

fn with_type() -> City {
    let mut city = City::new();
    city.does(CA_REVIEWER, publication(1, true)).unwrap();
    city
}

fn code(outcome: Result<TxId, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.code(), |_| "done")
}

#[test]
fn a_type_s_versions_follow_each_other_and_keep_their_code() {
    let mut city = City::new();
    assert_eq!(code(city.does(CA_CLERK, publication(1, true))), "not_allowed");
    assert_eq!(code(city.does(CA_REVIEWER, publication(2, true))), "conflict");
    assert_eq!(code(city.does(CA_REVIEWER, publication(1, true))), "done");
    assert_eq!(code(city.does(CA_REVIEWER, publication(1, true))), "conflict");
    let recoded = CertificateType { type_code: "11110000000021135M002".into(), ..kind(2, true) };
    let recoded = Command::PublishCertificateType(TypePublication { document: recoded });
    assert_eq!(code(city.does(CA_REVIEWER, recoded)), "invalid");
    assert_eq!(code(city.does(CA_REVIEWER, publication(2, false))), "done");
    let (own, name) = ("civil-affairs".parse().unwrap(), "social-worker".parse().unwrap());
    let newest = city.state.certificate_type_newest(&own, &name).unwrap();
    assert_eq!((newest.document.version, newest.document.by_hand), (2, false));
    assert!(city.state.certificate_type(&own, &name, 1).unwrap().document.by_hand);
    assert_eq!(city.state.certificate_type_of_code(&own, CODE).unwrap().document.version, 2);
}

#[test]
fn two_persons_issue_what_the_type_allows() {
    let mut city = with_type();
    let good = issue("20261121A1", 1, Operation::New, None);
    let with = |change: &dyn Fn(&mut CertificateIssue)| {
        let mut issue = good.clone();
        change(&mut issue);
        Command::IssueCertificate(issue)
    };
    let details = |issue: &mut CertificateIssue, change: &dyn Fn(&mut IssueDetails)| {
        issue.details.iter_mut().for_each(change);
    };
    for (change, expected) in [
        (
            &(|i: &mut CertificateIssue| details(i, &|d| d.prepared_by = None)) as &dyn Fn(&mut CertificateIssue),
            "invalid",
        ),
        (&|i| details(i, &|d| d.prepared_by = Some(actor("reviewer1", Role::Clerk))), "own_request"),
        (&|i| details(i, &|d| d.kind.version = 2), "unknown"),
        (&|i| i.identifier = identifier("20261121A1", 2), "invalid"),
        (&|i| i.identifier = i.identifier.replace(".001.", ".002."), "invalid"),
        (&|i| i.valid_to = Some("2026-11-20".into()), "invalid"),
        (&|i| details(i, &|d| d.operation = Operation::Change), "invalid"),
    ] {
        assert_eq!(code(city.does(CA_REVIEWER, with(change))), expected);
    }
    assert_eq!(code(city.does(CA_CLERK, with(&|_| ()))), "not_allowed");
    assert_eq!(code(city.does(PS_REVIEWER, with(&|_| ()))), "unknown");
    assert_eq!(code(city.does(CA_REVIEWER, with(&|_| ()))), "done");
    assert_eq!(code(city.does(CA_REVIEWER, with(&|_| ()))), "conflict");
    // A type that is for cases alone.
    let mut strict = City::new();
    strict.does(CA_REVIEWER, publication(1, false)).unwrap();
    assert_eq!(code(strict.does(CA_REVIEWER, with(&|_| ()))), "not_allowed");
}

#[test]
fn a_version_ends_the_one_before_and_nothing_follows_what_ended() {
    let mut city = with_type();
    let issued = |city: &mut City, issue| code(city.does(CA_REVIEWER, Command::IssueCertificate(issue)));
    let (first, second) = (identifier("A1", 1), identifier("A1", 2));
    assert_eq!(issued(&mut city, issue("A1", 1, Operation::New, None)), "done");
    assert_eq!(issued(&mut city, issue("A1", 2, Operation::Extend, Some(identifier("B2", 1)))), "unknown");
    assert_eq!(issued(&mut city, issue("B2", 2, Operation::Extend, Some(first.clone()))), "invalid");
    assert_eq!(issued(&mut city, issue("A1", 3, Operation::Extend, Some(first.clone()))), "invalid");
    assert_eq!(issued(&mut city, issue("A1", 2, Operation::Extend, Some(first.clone()))), "done");
    let before = city.state.certificate(&first).unwrap();
    assert_eq!((before.status, before.successor.as_ref()), (CertificateStatus::Lapsed, Some(&second)));
    assert_eq!(issued(&mut city, issue("A1", 2, Operation::Change, Some(first.clone()))), "conflict");
    let said = |city: &mut City, identifier: &str, status| {
        let (identifier, reason) = (identifier.to_owned(), "查实".to_owned());
        let change = CertificateStatusChange { identifier, status, reason };
        code(city.does(OTHER_REVIEWER, Command::SetCertificateStatus(change)))
    };
    assert_eq!(said(&mut city, &first, CertificateStatus::Valid), "conflict");
    assert_eq!(said(&mut city, &second, CertificateStatus::Suspended), "done");
    assert_eq!(issued(&mut city, issue("A1", 3, Operation::Change, Some(second.clone()))), "conflict");
    assert_eq!(said(&mut city, &second, CertificateStatus::Valid), "done");
    assert_eq!(issued(&mut city, issue("A1", 3, Operation::Change, Some(second))), "done");
    let third = identifier("A1", 3);
    assert_eq!(said(&mut city, &third, CertificateStatus::TransferredOut), "done");
    for status in CertificateStatus::ALL {
        assert_eq!(said(&mut city, &third, status), "conflict", "{status:?}");
    }
}

#[test]
fn what_is_transferred_in_left_its_issuer_before() {
    let mut city = with_type();
    let issued = |city: &mut City, issue| code(city.does(CA_REVIEWER, Command::IssueCertificate(issue)));
    assert_eq!(issued(&mut city, issue("A1", 1, Operation::New, None)), "done");
    let own = issue("B2", 1, Operation::TransferIn, Some(identifier("A1", 1)));
    assert_eq!(issued(&mut city, own), "invalid", "it is this department's own");
    let stranger = "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F".to_owned();
    assert_eq!(issued(&mut city, issue("B2", 1, Operation::TransferIn, Some(format!("{stranger}X")))), "invalid");
    assert_eq!(issued(&mut city, issue("B2", 2, Operation::TransferIn, Some(stranger.clone()))), "invalid");
    assert_eq!(issued(&mut city, issue("B2", 1, Operation::TransferIn, Some(stranger))), "done");
}

#[test]
fn annotations_are_the_issuer_s_and_few() {
    let mut city = with_type();
    city.does(CA_REVIEWER, Command::IssueCertificate(issue("A1", 1, Operation::New, None))).unwrap();
    let own = identifier("A1", 1);
    assert_eq!(code(city.does(PS_REVIEWER, annotation(&own))), "not_allowed");
    assert_eq!(code(city.does(CA_CLERK, annotation(&own))), "not_allowed");
    for _ in 0..50 {
        assert_eq!(code(city.does(CA_REVIEWER, annotation(&own))), "done");
    }
    assert_eq!(code(city.does(CA_REVIEWER, annotation(&own))), "conflict");
    assert_eq!(city.state.certificate(&own).unwrap().annotations.len(), 50);
}

#[test]
fn an_older_edition_knows_none_of_it() {
    let mut city = City::of_edition(Some(3));
    assert_eq!(code(city.does(CA_REVIEWER, publication(1, true))), "payload_unreadable");
    let new = Command::IssueCertificate(issue("A1", 1, Operation::New, None));
    assert_eq!(code(city.does(CA_REVIEWER, new)), "payload_unreadable");
    let plain = CertificateIssue { details: None, ..issue("A1", 1, Operation::New, None) };
    assert_eq!(code(city.does(CA_REVIEWER, Command::IssueCertificate(plain))), "done");
    let change = |status| {
        let (identifier, reason) = (identifier("A1", 1), "查实".to_owned());
        Command::SetCertificateStatus(CertificateStatusChange { identifier, status, reason })
    };
    assert_eq!(code(city.does(CA_REVIEWER, change(CertificateStatus::Withdrawn))), "payload_unreadable");
    assert_eq!(code(city.does(CA_REVIEWER, change(CertificateStatus::Revoked))), "done");
}

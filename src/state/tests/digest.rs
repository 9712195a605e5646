//! The state's digest: equal for equal histories, different after any change, and what its text says.

use serde::Serialize;

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::certificate::{CertificateStatus, CertificateStatusChange};

/// One of every command that changes an item, in an order that is allowed.
pub(super) fn busy(city: &mut City, mut after: impl FnMut(&City, &str)) {
    let ending = |version: &str| EntryEnding {
        entry: "public-security/household-registration".parse().unwrap(),
        version: version.parse().unwrap(),
        reason: "duty moved".into(),
        successor: None,
    };
    let mut done = |city: &mut City, who, command: Command| {
        let kind = command.kind();
        let id = city.does(who, command).unwrap();
        after(city, kind);
        id
    };
    let authority = ("data-bureau", "root", Role::Admin);
    done(city, authority, Command::RegisterDepartment(newcomer()));
    for command in super::nodes::life("water-supply", 9) {
        done(city, authority, command);
    }
    let auditor = ("audit", "root", Role::Admin);
    let withdrawn = done(city, authority, super::policy::proposal(2));
    done(city, auditor, super::policy::rejection(withdrawn));
    let proposed = done(city, authority, super::policy::proposal(2));
    done(city, auditor, super::policy::confirmation(&city.state, proposed));
    for version in ["1.0", "1.1", "1.2"] {
        city.publish(PS_REVIEWER, "clerk1", version, "conditional").unwrap();
    }
    let grant = GrantId::from(done(city, CA_CLERK, request(city)));
    done(city, PS_REVIEWER, city.approval(grant, &["name"], 9, 9));
    done(city, CA_REVIEWER, Command::RevokeGrant(GrantEnding { grant, reason: "matter closed".into() }));
    let grant = GrantId::from(done(city, CA_CLERK, request(city)));
    done(city, PS_REVIEWER, Command::DenyGrant(GrantEnding { grant, reason: "no basis".into() }));
    done(city, PS_REVIEWER, Command::DeprecateEntry(ending("1.2")));
    done(city, PS_REVIEWER, Command::WithdrawEntry(ending("1.2")));
    let step = SignOffStep::plain("duty".parse().unwrap(), "data-bureau".parse().unwrap(), text("duty"));
    let opening = CaseOpening::plain("transfer".parse().unwrap(), text("转移登记"), vec![], vec![step]);
    let case = done(city, CA_CLERK, Command::OpenCase(opening)).into();
    let word = SignOff { case, step: "duty".parse().unwrap(), agreed: true, note: String::new(), fact: None };
    done(city, ("data-bureau", "reviewer1", Role::Reviewer), Command::SignOffCase(word));
    let issue = CertificateIssue {
        identifier: "1.2.156.3005.2.x".into(),
        type_name: text("不动产权证书"),
        valid_from: "2026-11-21".into(),
        valid_to: None,
        document_digest: crate::crypto::digest::sm3(&[b"document"]),
        holder_commitment: crate::crypto::digest::sm3(&[b"holder"]),
        case: Some(case),
        details: None,
    };
    done(city, CA_REVIEWER, Command::IssueCertificate(issue));
    let (identifier, reason) = ("1.2.156.3005.2.x".into(), "error".into());
    let change = CertificateStatusChange { identifier, status: CertificateStatus::Suspended, reason };
    done(city, CA_REVIEWER, Command::SetCertificateStatus(change));
    done(city, CA_REVIEWER, super::cases::publication(1));
    let case = done(city, CA_CLERK, super::cases::opening(1)).into();
    for (who, command) in super::cases::life(case) {
        done(city, who, command);
    }
    let withdrawn = done(city, CA_CLERK, super::cases::opening(1)).into();
    done(city, CA_CLERK, super::cases::withdrawal(withdrawn));
    done(city, CA_REVIEWER, super::certificates::publication(1, true));
    done(city, CA_REVIEWER, super::certificates::annotation("1.2.156.3005.2.x"));
}

fn newcomer() -> Department {
    Department {
        id: "water-supply".parse().unwrap(),
        name: text("水务"),
        uscc: "11110000000021135M".into(),
        signing_key: key("water-supply").public(),
        signing_key_valid_until: None,
        sealing_key: String::new(),
        voter: false,
        node_id: 9,
    }
}

fn request(city: &City) -> Command {
    let Command::RequestGrant(request) = city.request(&["name"], 9, 9) else { unreachable!("it asks for a grant") };
    Command::RequestGrant(GrantRequest { version: "1.2".parse().unwrap(), ..request })
}

/// Without the ids, which change with every transaction.
fn items(state: &State) -> Vec<[u8; 32]> {
    let State { genesis, departments, nodes, numbers, keys, endorsements, policy, .. } = state;
    let State { entries, grants, cases, certificates, certificate_types, proposal, policies, workflows, .. } = state;
    let (a, b, c, i) = (genesis.sum(), departments.sum(), keys.sum(), endorsements.sum());
    let (d, e, f, g, h) = (policy.sum(), entries.sum(), grants.sum(), cases.sum(), certificates.sum());
    let (j, k, l, m) = (nodes.sum(), numbers.sum(), proposal.sum(), policies.sum());
    let (n, o) = (workflows.sum(), certificate_types.sum());
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o].map(super::super::items::Sum::to_bytes).to_vec()
}

#[test]
fn every_command_changes_an_item_and_the_kept_sum_stays_right() {
    for hash in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
        let mut city = City::of(hash);
        let mut before = items(&city.state);
        busy(&mut city, |city, kind| {
            let after = items(&city.state);
            assert_ne!(before, after, "{kind} leaves no trace");
            assert_eq!(city.state.digest(), city.state.digest_recomputed(), "after {kind}");
            before = after;
        });
    }
}

#[test]
fn equal_histories_give_equal_digests_and_others_do_not() {
    let mut city = City::new();
    busy(&mut city, |_, _| ());
    let refused = city.publish(PS_CLERK, "clerk1", "9.0", "conditional");
    assert!(refused.is_err());
    let replay = |shift: u64, flip: Option<usize>| {
        let mut state = State::new();
        let mut digests = Vec::new();
        for (at, (tx, time, outcome)) in city.history.iter().enumerate() {
            let valid = outcome.result != Err(Refusal::Signature) && flip != Some(at);
            state.apply(tx, time.plus(shift), valid);
            digests.push(state.digest());
        }
        digests
    };
    let plain = replay(0, None);
    assert_eq!(plain.last(), Some(&city.state.digest()));
    assert_eq!(replay(0, None), plain);
    let distinct: std::collections::BTreeSet<_> = plain.iter().collect();
    assert_eq!(distinct.len(), plain.len(), "a refused transaction counts too");
    assert!(replay(1, None).iter().zip(&plain).all(|(one, other)| one != other), "a millisecond later");
    let last = plain.len() - 1;
    assert_ne!(replay(0, Some(last))[last], plain[last], "refused for another reason");
    // One block in the middle a millisecond later, where no item remembers it and the time catches up.
    let mut state = State::new();
    let middle = city.history.len() / 2;
    for (at, (tx, time, outcome)) in city.history.iter().enumerate() {
        let valid = outcome.result != Err(Refusal::Signature);
        state.apply(tx, time.plus(u64::from(at == middle)), valid);
    }
    assert_ne!(state.digest(), city.state.digest(), "every block's time counts");
}

/// As the text of [`State::digest`] says it, byte by byte.
#[test]
fn the_digest_is_what_its_description_says() {
    let mut city = City::of(HashAlgorithm::Sha256);
    busy(&mut city, |_, _| ());
    let h = |parts: &[&[u8]]| HashAlgorithm::Sha256.digest(parts);
    let mut fates = Hash([0; 32]);
    let mut sum = [0u8; 32];
    let mut add = |digest: Hash| {
        let mut carry = 0;
        for at in (0..32).rev() {
            carry += u32::from(sum[at]) + u32::from(digest.0[at]);
            sum[at] = (carry & 0xff) as u8;
            carry >>= 8;
        }
    };
    for (tx, time, outcome) in &city.history {
        let leaf = tx.leaf(HashAlgorithm::Sha256);
        let code = outcome.result.as_ref().err().map_or("done", Refusal::code);
        let (index, time) = (outcome.index.to_be_bytes(), time.0.to_be_bytes());
        fates = h(&[&fates.0, &index, &time, &leaf.0, code.as_bytes()]);
        // All within ten minutes here.
        add(leaf);
    }
    fn json(kind: &str, key: impl Serialize, value: impl Serialize) -> String {
        let (key, value) = (serde_json::to_string(&key).unwrap(), serde_json::to_string(&value).unwrap());
        format!("[\"{kind}\",{key},{value}]")
    }
    let state = &city.state;
    let mut texts = vec![json("genesis", (), state.genesis()), json("policy", (), state.policy())];
    texts.extend(state.policies.iter().map(|(version, p)| json("policy_version", version, p)));
    texts.extend(state.departments().map(|d| json("department", &d.id, d)));
    texts.extend(state.nodes.iter().map(|(id, n)| json("node", id, n)));
    texts.extend(state.members_changed.iter().map(|(key, index)| json("members_changed", key, index)));
    texts.extend(state.numbers.iter().map(|(number, id)| json("number", number, id)));
    texts.extend(state.keys.values().map(|k| json("key", k.key.id(), k)));
    texts.extend(state.endorsements.iter().map(|(key, e)| json("endorsement", key, e)));
    texts.extend(state.entries().map(|e| json("entry", &e.current().entry.name, e)));
    texts.extend(state.grants.values().map(|g| json("grant", g.id, g)));
    texts.extend(state.workflows.iter().map(|(key, w)| json("workflow", key, w)));
    texts.extend(state.cases().map(|c| json("case", c.id, c)));
    texts.extend(state.certificate("1.2.156.3005.2.x").map(|c| json("certificate", &c.issue.identifier, c)));
    texts.extend(state.certificate_types.iter().map(|(key, kind)| json("certificate_type", key, kind)));
    texts.iter().for_each(|text| add(h(&[text.as_bytes()])));
    let (size, time) = (state.size().to_be_bytes(), state.time().0.to_be_bytes());
    let digest = h(&[b"mulu-state-v1\n", state.chain().as_bytes(), b"\n", &size, &time, &fates.0, &sum]);
    assert_eq!(state.digest(), digest);
}

#[test]
fn a_tampered_item_is_found() {
    let mut city = City::new();
    busy(&mut city, |_, _| ());
    let good = city.state.digest();
    let mut other = city.state.clone();
    let name = "public-security/household-registration".parse().unwrap();
    other.entries.change(&name, |history| history.state = crate::domain::catalog::EntryState::Published);
    assert_ne!(other.digest(), good);
    assert_eq!(other.digest(), other.digest_recomputed());
}

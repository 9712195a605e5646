//! `/certificates` of types that are issued by hand: prepared and issued by two, copied, verified without any node,
//! changed, annotated, ended.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use mulu::crypto::digest::HashAlgorithm;
use mulu::domain::copy_check;
use mulu::domain::credential;
use mulu::domain::identifiers::certificate_identifier;
use mulu::service::certificates::pdf;

use crate::harness::{Answer, Caller, City, Examples, Wish, eventually, mulu};

/// What a tenant's certificate says.
fn preparing(until: &str) -> Value {
    json!({"type": "rental-filing", "operation": "new",
        "holder": {"code": Examples::get().buyer_id_number, "name": "沈若溪"},
        "fields": {"address": "西城区百万庄北里14号", "landlord": "周明远", "lease_from": "2026-12-01",
            "lease_until": until, "rooms": 2}})
}

struct Desk {
    clerk: Caller,
    reviewer: Caller,
    public: Caller,
}

impl Desk {
    fn of(city: &City) -> Self {
        let public = city.anonymous("audit").with("accept", "application/json");
        Self { clerk: city.person("housing", "clerk1"), reviewer: city.person("housing", "reviewer1"), public }
    }

    /// Prepares and issues; answers the identifier.
    fn issue(&self, body: &Value) -> String {
        let prepared = self.clerk.post("certificate-preparations", body).ok();
        let id = prepared["id"].as_str().unwrap();
        let issued = self.reviewer.post(&format!("certificate-preparations/{id}/issue"), &json!({})).ok();
        issued["identifier"].as_str().unwrap().to_owned()
    }

    fn status(&self, identifier: &str, status: &str) -> Answer {
        let body = json!({"status": status, "reason": "窗口核实"});
        self.reviewer.post(&format!("certificates/{identifier}/status"), &body)
    }

    /// Waits until anybody, at another node, sees it so.
    fn eventually_public(&self, identifier: &str, valid: bool, status: &str) {
        eventually(&format!("the public sees that it is {status}"), || {
            let seen = self.public.get(&format!("/verify/{identifier}"));
            (&seen.body["valid"], &seen.body["status"]) == (&json!(valid), &json!(status))
        });
    }
}

#[test]
fn a_licence_by_hand_lives_its_life_and_is_proven_when_its_node_is_gone() {
    let city = City::of_three("housing");
    let desk = Desk::of(&city);
    two_persons_issue(&desk);
    let first = desk.issue(&preparing("2027-11-30"));
    assert_eq!(certificate_identifier::validate(&first), Ok(()), "{first}");
    desk.eventually_public(&first, true, "valid");
    let folder = tempfile::tempdir().unwrap();
    let [json, pdf] = copies(&desk, &first, folder.path());
    let trust = city.dir().join("trust.toml");
    verified_offline(&json, &pdf, &trust, folder.path());
    second_opinion(&json, folder.path());
    uploaded(&city, &pdf);

    let second = next_version(&desk, &first);
    annotated(&desk, &second);
    found_by_holder(&city, &desk, [&first, &second]);
    looked_up_elsewhere(&city, &desk, [&first, &second]);
    ended(&desk, &second);
    written_down_late(&city, &desk);

    // The issuer's node is gone: what was proven stays proven, and what the ledger says stays said.
    city.stop("housing");
    let said = mulu(&["certificate", "verify", text(&pdf), "--policy", text(&trust)]).ok();
    assert!(said.contains("PROVEN") && said.contains(&first) && said.contains("not proven that it is still"), "{said}");
    let seen = desk.public.get(&format!("/verify/{second}")).ok();
    assert_eq!((&seen["valid"], &seen["status_code"]), (&json!(false), &json!("07")));
    asked_too_often(&city, &second);
}

fn two_persons_issue(desk: &Desk) {
    let mut wrong = preparing("2027-11-30");
    wrong["holder"]["code"] = json!("110101199003070012");
    wrong["fields"].as_object_mut().unwrap().remove("landlord");
    let refused = desk.clerk.post("certificate-preparations", &wrong).problem(422, "unprocessable");
    let places = refused["errors"].to_string();
    assert!(places.contains("/holder/code") && places.contains("/fields"), "{places}");
    let own = desk.reviewer.post("certificate-preparations", &preparing("2027-11-30")).ok();
    let own = format!("certificate-preparations/{}", own["id"].as_str().unwrap());
    desk.reviewer.post(&format!("{own}/issue"), &json!({})).problem(403, "own_request");
    desk.clerk.post(&format!("{own}/issue"), &json!({})).problem(403, "role_not_allowed");
    assert_eq!(desk.clerk.post(&format!("{own}/discard"), &json!({})).status, 204);
    desk.clerk.post(&format!("{own}/discard"), &json!({})).problem(409, "conflict");
    assert_eq!(desk.clerk.get("certificate-preparations").ok(), json!([]));
}

/// Both copies as files, the same each time.
fn copies(desk: &Desk, identifier: &str, folder: &Path) -> [PathBuf; 2] {
    ["credential", "paper"].map(|kind| {
        let path = format!("certificates/{identifier}/{kind}");
        let (one, two) = (desk.clerk.get(&path), desk.reviewer.get(&path));
        assert_eq!((one.status, &one.bytes), (200, &two.bytes), "{kind}: the same copy each time");
        let file = folder.join(kind);
        std::fs::write(&file, &one.bytes).unwrap();
        file
    })
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn verified_offline(json: &Path, pdf: &Path, trust: &Path, folder: &Path) {
    for file in [json, pdf] {
        let told = mulu(&["certificate", "verify", text(file), "--policy", text(trust), "--json"]).ok();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["valid"], &told["issuer"]), (&json!(true), &json!("housing")), "{told}");
        assert!(told["cosigners"].as_array().is_some_and(|cosigners| cosigners.len() >= 2), "{told}");
    }
    mulu(&["certificate", "verify", text(json)]).failed(22);
    let copy = std::fs::read_to_string(json).unwrap();
    let changed = folder.join("changed");
    for (from, to, code) in [("沈若溪", "沈若渓", 17), ("2027-11-30", "2037-11-30", 17), ("\"proof\"", "\"prof\"", 10)]
    {
        assert!(copy.contains(from), "{from}");
        std::fs::write(&changed, copy.replacen(from, to, 1)).unwrap();
        mulu(&["certificate", "verify", text(&changed), "--policy", text(trust)]).failed(code);
    }
    assert!(copy.contains("\"area_code\":\"110000\""), "{copy}");
    // What is attached to the paper is the very copy; and the paper is a PDF/A-3 of one page.
    let paper = std::fs::read(pdf).unwrap();
    assert_eq!(pdf::copy_in(paper.clone()).unwrap(), copy.as_bytes());
    let mark = b"pdfaid:part>3<";
    assert!(paper.windows(mark.len()).any(|part| part == mark), "it says that it is PDF/A-3");
    let policy = toml::from_str(&std::fs::read_to_string(trust).unwrap()).unwrap();
    assert!(copy_check::check(copy.as_bytes(), Some(&policy)).is_ok());
}

/// OpenSSL checks the signature that the copy bears, over the two hashes that vc-di-eddsa names.
fn second_opinion(json: &Path, folder: &Path) {
    let copy: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let mut copy = copy.as_object().unwrap().clone();
    let mut proof = copy.shift_remove("proof").unwrap().as_object().unwrap().clone();
    let signature = proof.shift_remove("proofValue").unwrap();
    let hash = |map| HashAlgorithm::Sha256.digest(&[&credential::canonical(map).unwrap()]).0;
    let multibase = |text: &str| bs58::decode(text.strip_prefix('z').unwrap()).into_vec().unwrap();
    let method = proof["verificationMethod"].as_str().unwrap();
    let key = multibase(method.split('#').nth(1).unwrap());
    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, 4).
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], &key[2..]].concat();
    let keep = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    keep("key.der", &der);
    keep("signature", &multibase(signature.as_str().unwrap()));
    let fits = |signed: &[u8]| {
        keep("signed", signed);
        let arguments = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin"];
        let files = ["-in", "signed", "-sigfile", "signature"];
        let done = Command::new("openssl").current_dir(folder).args(arguments).args(files).output();
        done.expect("openssl runs").status.success()
    };
    let signed = [hash(&proof), hash(&copy)].concat();
    assert!(fits(&signed) && !fits(&signed[1..]));
}

/// Anybody brings the paper to any node; nothing of the holder is shown.
fn uploaded(city: &City, pdf: &Path) {
    let visitor = city.anonymous("audit").with("accept", "text/html");
    let page = visitor.get("/verify?lang=en");
    let cookies = page.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()?.split(';').next());
    let visitor = visitor.with("cookie", &format!("{}; lang=en", cookies.collect::<Vec<_>>().join("; ")));
    let page = visitor.get("/verify").text;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let send = |file: &[u8]| {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n"
        );
        let body = [head.as_bytes(), file, b"\r\n--x--\r\n"].concat();
        visitor.post_raw("/verify", "multipart/form-data; boundary=x", body)
    };
    let paper = std::fs::read(pdf).unwrap();
    let shown = send(&paper);
    assert!(shown.status == 200 && shown.text.contains("The copy is genuine"), "{shown}");
    assert!(!shown.text.contains("沈若溪") && !shown.text.contains(&Examples::get().buyer_id_number));
    assert!(send(b"{}").text.contains("This is not the copy of an e-licence"));
    let forged = visitor.post_raw("/verify", "multipart/form-data; boundary=x", paper);
    assert!(forged.status >= 400, "{forged}");
}

/// The clerk prepares another version; with it the first one ends.
fn next_version(desk: &Desk, first: &str) -> String {
    let mut change = preparing("2028-11-30");
    change["operation"] = json!("extend");
    desk.clerk.post("certificate-preparations", &change).problem(422, "unprocessable");
    change["predecessor"] = json!(first);
    let second = desk.issue(&change);
    assert_eq!(second.replace(".002.", ".001.").rsplit_once('.').unwrap().0, first.rsplit_once('.').unwrap().0);
    desk.eventually_public(&second, true, "valid");
    desk.eventually_public(first, false, "lapsed");
    assert_eq!(desk.public.get(&format!("/verify/{first}")).ok()["successor"], json!(second));
    let shown = desk.clerk.get(&format!("certificates/{second}")).ok();
    assert_eq!((&shown["predecessor"], &shown["operation"]), (&json!(first), &json!("extend")));
    desk.clerk.post("certificate-preparations", &change).problem(409, "conflict");
    second
}

fn annotated(desk: &Desk, identifier: &str) {
    let path = format!("certificates/{identifier}/annotations");
    let annotation = json!({"cause": "已办理居住登记", "expires": "2099-12-31"});
    desk.clerk.post(&path, &annotation).problem(403, "role_not_allowed");
    desk.reviewer.post(&path, &annotation).ok();
    desk.reviewer.post(&path, &json!({"cause": "旧事", "expires": "2020-01-01"})).ok();
    eventually("the public sees the annotation that is to be shown", || {
        desk.public.get(&format!("/verify/{identifier}")).body["annotations"] == json!(["已办理居住登记"])
    });
}

fn found_by_holder(city: &City, desk: &Desk, [first, second]: [&str; 2]) {
    let holder = &Examples::get().buyer_id_number;
    let found = desk.clerk.get(&format!("certificates?holder={holder}")).ok();
    let identifiers: Vec<&str> =
        found["items"].as_array().unwrap().iter().filter_map(|i| i["identifier"].as_str()).collect();
    assert_eq!(identifiers, [second, first]);
    let lapsed = desk.clerk.get("certificates?type=rental-filing&status=lapsed").ok();
    assert_eq!(lapsed["items"][0]["identifier"], json!(first));
    // Elsewhere nobody is found by a number, and no document is shown.
    let elsewhere = city.person("data-bureau", "clerk1");
    assert_eq!(elsewhere.get(&format!("certificates?holder={holder}")).ok()["items"], json!([]));
    assert_eq!(elsewhere.get(&format!("certificates/{second}")).ok()["document"], Value::Null);
    elsewhere.get(&format!("certificates/{second}/paper")).problem(403, "foreign_department");
}

/// Another department looks licences up through the catalog: with a grant and a cause, and the auditor sees each time.
fn looked_up_elsewhere(city: &City, desk: &Desk, [first, second]: [&str; 2]) {
    let entry = "housing/rental-filing-certificate";
    let holder = &Examples::get().buyer_id_number;
    let call = |params: Value| json!({"purpose": "social-assistance", "cause": "核验租赁备案证明", "params": params});
    let by = |params: Value| city.query("data-bureau", entry, &call(params));
    by(json!({"id_number": holder})).problem(403, "no_grant");
    let items = ["identifier", "status", "holder_name"];
    let wish = Wish { consumer: "data-bureau", entry, items: &items, ..Wish::default() };
    city.grant(&wish, &json!({}));
    eventually("the grant comes to the consumer", || by(json!({"id_number": holder})).status == 200);
    let rows = by(json!({"id_number": holder})).ok()["rows"].clone();
    let seen = |row: &Value| (row["identifier"].clone(), row["status"].clone());
    let seen: Vec<_> = rows.as_array().unwrap().iter().map(seen).collect();
    assert_eq!(seen, [(json!(second), json!("valid")), (json!(first), json!("lapsed"))]);
    assert!(
        !rows.to_string().contains("沈若溪") && rows[0]["address"].is_null(),
        "masked, and no more than granted: {rows}"
    );
    let one = by(json!({"identifier": first})).ok();
    assert_eq!(one["rows"].as_array().map(Vec::len), Some(1), "{one}");
    let seller = &Examples::get().seller_id_number;
    assert_eq!(by(json!({"id_number": seller})).ok()["rows"], json!([]));
    let access = one["access_id"].as_str().unwrap();
    eventually("the auditor sees the lookup", || {
        city.person("audit", "auditor1").get(&format!("audit/accesses/{access}")).status == 200
    });
    assert_eq!(desk.status(first, "valid").status, 409);
}

fn ended(desk: &Desk, identifier: &str) {
    desk.status(identifier, "suspended").ok();
    desk.eventually_public(identifier, false, "suspended");
    desk.status(identifier, "valid").ok();
    desk.eventually_public(identifier, true, "valid");
    desk.status(identifier, "withdrawn").ok();
    desk.eventually_public(identifier, false, "withdrawn");
    desk.status(identifier, "valid").problem(409, "conflict");
}

/// A node that died after the licence came to the ledger, before it wrote down that the preparation is done: stood in for
/// by the local database as it was before.
fn written_down_late(city: &City, desk: &Desk) {
    let prepared = desk.clerk.post("certificate-preparations", &preparing("2029-11-30")).ok();
    let path = format!("certificate-preparations/{}", prepared["id"].as_str().unwrap());
    let local = city.node("housing").data_dir.join("model/local.db");
    let before = local.with_file_name("before.db");
    city.stop("housing");
    std::fs::copy(&local, &before).unwrap();
    let again = || {
        city.start("housing");
        city.wait_ready("housing");
    };
    again();
    let issued = desk.reviewer.post(&format!("{path}/issue"), &json!({})).ok();
    city.stop("housing");
    for journal in ["local.db-wal", "local.db-shm"] {
        let _ = std::fs::remove_file(local.with_file_name(journal));
    }
    std::fs::rename(&before, &local).unwrap();
    again();
    assert_eq!(desk.clerk.get("certificate-preparations").ok(), json!([]), "nothing waits");
    let shown = desk.clerk.get(&path).ok();
    assert_eq!((&shown["state"], &shown["identifier"]), (&json!("issued"), &issued["identifier"]));
    desk.clerk.post(&format!("{path}/discard"), &json!({})).problem(409, "conflict");
    desk.reviewer.post(&format!("{path}/issue"), &json!({})).problem(409, "conflict");
}

/// One address is told to wait, another one is not; known and unknown ones look alike.
fn asked_too_often(city: &City, known: &str) {
    let caller =
        |address: &str| city.anonymous("audit").with("accept", "application/json").with("x-forwarded-for", address);
    let (eager, calm) = (caller("203.0.113.9"), caller("203.0.113.10"));
    let refused = (0..200).map(|_| eager.get(&format!("/verify/{known}"))).find(|answer| answer.status != 200);
    let refused = refused.expect("one address cannot ask for ever");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|s| s >= 1)));
    refused.problem(429, "too_many_questions");
    calm.get(&format!("/verify/{known}")).ok();
    let parts = certificate_identifier::parts(known).unwrap();
    let unknown = certificate_identifier::issue(parts.kind, parts.issuer, "20260101AAAAAAAAAA", 1).unwrap();
    calm.get(&format!("/verify/{unknown}")).problem(404, "not_found");
}

/// The demo issued a licence and arranged a grant: police look it up at once, by holder and by identifier.
#[test]
fn the_demo_shows_how_another_department_looks_a_licence_up() {
    let city = City::shared();
    let holder = &Examples::get().licences[0].holder_code;
    let ask = |params: Value| {
        let call = json!({"purpose": "household-transfer", "cause": "办理租住户口迁移", "params": params});
        city.query("public-security", "housing/rental-filing-certificate", &call)
    };
    let found = ask(json!({"id_number": holder})).ok();
    assert_eq!((found["rows"].as_array().map(Vec::len), &found["rows"][0]["status"]), (Some(1), &json!("valid")));
    assert_eq!(&found["rows"][0]["holder_id_number"], &json!(holder));
    assert!(!found.to_string().contains("顾清和"), "the name stays masked: {found}");
    let one = ask(json!({"identifier": found["rows"][0]["identifier"]})).ok();
    assert_eq!(one["rows"], found["rows"]);
    let nobody = ask(json!({"id_number": Examples::get().seller_id_number})).ok();
    assert_eq!(nobody["rows"], json!([]));
}

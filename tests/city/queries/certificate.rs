//! A system shows a certificate instead of a token.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::{City, mulu};

/// Makes an authority and certificates of it, with OpenSSL.
struct Authority<'a>(&'a Path);

impl Authority<'_> {
    fn openssl(&self, arguments: &[&str]) {
        let done = Command::new("openssl").current_dir(self.0).args(arguments).output().expect("openssl runs");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn begin(&self, name: &str) {
        let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        self.openssl(&[&new[..], &["-subj", "/CN=systems", "-keyout", &key, "-out", &cert]].concat());
    }

    fn certify(&self, ca: &str, name: &str) {
        let [key, request, cert, ca_cert, ca_key] =
            [(name, "key"), (name, "csr"), (name, "pem"), (ca, "pem"), (ca, "key")]
                .map(|(of, end)| format!("{of}.{end}"));
        let subject = format!("/CN={name}");
        let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", &subject];
        self.openssl(&[&new[..], &["-keyout", &key, "-out", &request]].concat());
        fs::write(self.0.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        let sign =
            ["x509", "-req", "-in", &request, "-CA", &ca_cert, "-CAkey", &ca_key, "-CAcreateserial", "-days", "2"];
        self.openssl(&[&sign[..], &["-extfile", "san", "-out", &cert]].concat());
    }

    fn client(&self, name: Option<&str>) -> Client {
        let read = |name: &str| fs::read(self.0.join(name)).unwrap();
        let ca = reqwest::Certificate::from_pem(&read("ca.pem")).unwrap();
        let mut builder = Client::builder().no_proxy().tls_certs_only([ca]);
        if let Some(name) = name {
            let both = [read(&format!("{name}.pem")), read(&format!("{name}.key"))].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&both).unwrap());
        }
        builder.build().unwrap()
    }
}

#[test]
fn a_system_is_known_by_its_certificate_and_by_nothing_else_there() {
    let city = City::of_three("civil-affairs");
    let (config, place) = (city.config("civil-affairs"), tempfile::tempdir().unwrap());
    let authority = Authority(place.path());
    authority.begin("ca");
    authority.begin("another-ca");
    for name in ["server", "registry", "stranger"] {
        authority.certify("ca", name);
    }
    authority.certify("another-ca", "forged");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = |name: &str| place.path().join(name).display().to_string();
    let mut text = fs::read_to_string(&config).unwrap();
    text += &format!(
        "\n[systems]\nlisten = \"127.0.0.1:{port}\"\ncert = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n",
        file("server.pem"),
        file("server.key"),
        file("ca.pem")
    );
    fs::write(&config, text).unwrap();
    city.stop("civil-affairs");
    city.start("civil-affairs");
    city.wait_ready("civil-affairs");
    let own = "civil-affairs/marriage-registration";
    let (config, certificate) = (config.to_str().unwrap(), file("registry.pem"));
    let add =
        ["token", "add", "--config", config, "--system", "registry", "--entry", own, "--certificate", &certificate];
    let fingerprint = mulu(&add).ok().trim().to_owned();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let call = |name: Option<&str>, path: &str, body: Option<&Value>| {
        let (client, url) = (authority.client(name), format!("https://127.0.0.1:{port}/api/v1/{path}"));
        let request = match body {
            Some(body) => client.post(url).json(body),
            None => client.get(url),
        };
        runtime.block_on(async {
            let answer = request.send().await.ok()?;
            Some((answer.status().as_u16(), answer.json::<Value>().await.unwrap()))
        })
    };
    let (status, myself) = call(Some("registry"), "sessions/current", None).unwrap();
    assert_eq!((status, &myself["user"]), (200, &json!("registry")));
    let asked = json!({"purpose": "social-assistance", "cause": "核验", "params": {}});
    let ask = |name: &str, entry: &str| {
        let (status, answer) = call(Some(name), &format!("query/{entry}"), Some(&asked)).unwrap();
        (status, answer["code"].clone())
    };
    assert_eq!(ask("registry", own), (422, json!("unprocessable")));
    assert_eq!(ask("registry", "tax/deed-tax-payment"), (403, json!("token_scope")));
    assert_eq!(ask("stranger", own), (401, json!("not_authenticated")), "certified, but nobody's");
    for turned_away in [None, Some("forged")] {
        assert_eq!(call(turned_away, "sessions/current", None), None, "{turned_away:?}");
    }
    // A certificate is no secret: what stands for it is no token.
    for text in [fingerprint.as_str(), fingerprint.trim_start_matches("certificate ")] {
        let sent = city.anonymous("civil-affairs").with("authorization", &format!("Bearer {text}"));
        sent.get("sessions/current").problem(401, "not_authenticated");
    }
    mulu(&["token", "revoke", "--config", config, "--system", "registry"]).ok();
    crate::harness::eventually("it is known no more", || ask("registry", own).0 == 401);
}

//! The address of an entry is matched exactly: no other way to write it leads to that entry or to another one.

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};

use super::catalog::Named;
use crate::lookalikes;

const ENTRY: &str = "public-security/household-registration";

async fn reached(named: web::Path<Named>) -> String {
    named.entry().to_string()
}

/// What may not stand in an address as it is, encoded; escapes that stand there stay.
fn address(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/;*?&#=".contains(&byte);
    let encode = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

#[actix_web::test]
async fn only_the_very_name_leads_to_an_entry() {
    let app = init_service(App::new().route("/api/v1/query/{provider}/{name}", web::post().to(reached))).await;
    let ask = async |text: &str| {
        let request = TestRequest::post().uri(&format!("/api/v1/query/{}", address(text))).to_request();
        let answer = call_service(&app, request).await;
        let status = answer.status();
        (status, String::from_utf8(read_body(answer).await.to_vec()).unwrap_or_default())
    };
    assert_eq!(ask(ENTRY).await, (StatusCode::OK, ENTRY.to_owned()));
    for (disguise, text) in lookalikes::of(ENTRY) {
        let (status, reached) = ask(&text).await;
        match disguise {
            // RFC 3986, 2.3: a letter and its escape are one and the same.
            "encoded letter" => assert_eq!((status, reached.as_str()), (StatusCode::OK, ENTRY), "{text:?}"),
            _ => assert_ne!(status, StatusCode::OK, "{disguise}: {text:?} leads to {reached}"),
        }
    }
}

//! The public check of e-licences: by identifier, by the address in a QR code, or by the copy itself.

use actix_web::web::Path;
use actix_web::{HttpRequest, web};

use crate::domain::copy_check::CopyFault;
use crate::service::ServiceError;
use crate::service::certificates::Verification;
use crate::service::certificates::pdf::is_pdf;
use crate::service::ledger::Which;
use crate::web::api::download;
use crate::web::extract::Passed;
use crate::web::problem::Problem;
use crate::web::root;
use crate::web::sheets::inflate::inflated_until_it_breaks;

use super::certificates::transactions;
use super::cookies;
use super::desk::Desk;
use super::render::Answer;
use super::upload::UploadedByGuest;
use super::views::certificate::{CertificateCard, CopyVerdict, Verified, VerifyPage};

/// What a paper unpacks to, in bytes, at most; and how many streams it has. One of ours has some 300 KiB in twenty.
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024;
const STREAMS_MAX: usize = 64;

/// The public check: the form, with the answer when an identifier is given.
pub async fn verify(_: Passed, desk: Desk) -> Answer {
    let identifier = desk.query.get("identifier").to_owned();
    let answer = if identifier.is_empty() { None } else { Some(verified(&desk, &identifier).await?) };
    show(&desk, identifier, answer, None)
}

/// The same under the certificate's own address, which its picture carries. Programs get JSON.
pub async fn verify_one(_: Passed, request: HttpRequest, desk: Desk, identifier: Path<String>) -> Answer {
    if root::wants_json(&request) {
        return root::verify(web::Data::new(desk.node.clone()), identifier).await;
    }
    let identifier = identifier.into_inner();
    let answer = Some(verified(&desk, &identifier).await?);
    show(&desk, identifier, answer, None)
}

/// A copy that somebody holds: whether it is genuine, and how the certificate stands now. The file is not kept.
pub async fn verify_copy(_: Passed, sent: UploadedByGuest) -> Answer {
    let UploadedByGuest { desk, file } = sent;
    let counted = web::block(move || (is_modest(&file), file)).await;
    let (modest, file) = counted.map_err(Problem::internal)?;
    let checked = if modest {
        desk.node.check_copy(file).await?
    } else {
        Err(CopyFault::Malformed("the PDF holds more than the copy of an e-licence does".to_owned()))
    };
    let (code, why, identifier) = match checked {
        Ok(checked) => ("genuine".to_owned(), String::new(), checked.identifier),
        Err(fault) => (fault.code().to_owned(), fault.to_string(), String::new()),
    };
    let answer = if identifier.is_empty() { None } else { Some(verified(&desk, &identifier).await?) };
    show(&desk, identifier, answer, Some(CopyVerdict { code, why }))
}

/// The receipt of a certificate's issue: it names nobody but who acted at the issuer, as every copy does.
pub async fn receipt(_: Passed, desk: Desk, identifier: Path<String>) -> Answer {
    desk.node.verify_certificate(&identifier)?;
    let issued = transactions(&desk, &identifier, Some("certificate.issue")).await?.into_iter().next();
    let index = issued.map(|issued| issued.ledger_index).ok_or_else(|| Problem::new("not_found"))?;
    let receipt = desk.node.receipt(Which::Index(index)).await?;
    let text = serde_json::to_vec(&receipt).map_err(Problem::internal)?;
    Ok(download("application/json", &format!("receipt-{index}.json"), text))
}

/// Whether a PDF unpacks to no more than a copy does: counted before anything is unpacked.
fn is_modest(file: &[u8]) -> bool {
    if !is_pdf(file) {
        return true;
    }
    if packs_as_no_copy_does(file) {
        return false;
    }
    let (mut streams, mut left) = (0, UNPACKED_BYTES_MAX);
    let mut at = 0;
    while let Some(found) = file.get(at..).and_then(|rest| rest.windows(6).position(|part| part == b"stream")) {
        let (begin, end) = (at + found, at + found + 6);
        at = end;
        if file.get(begin.saturating_sub(3)..begin) == Some(b"end") {
            continue;
        }
        streams += 1;
        // After the end of the line and the two bytes of zlib's head (RFC 1950).
        let line = if file.get(end..end + 2).is_some_and(|two| two == b"\r\n") { 2 } else { 1 };
        let length = file.get(end + line + 2..).map_or(0, |data| inflated_until_it_breaks(data, left));
        if streams > STREAMS_MAX || length > left {
            return false;
        }
        left -= length;
    }
    true
}

/// Whether a stream is packed otherwise than deflated once: our papers have no such streams, and only that is counted.
fn packs_as_no_copy_does(file: &[u8]) -> bool {
    const KEY: &[u8] = b"/Filter";
    let file = unescaped(file);
    let keys = file.windows(KEY.len()).enumerate().filter(|(_, window)| *window == KEY);
    keys.filter_map(|(at, _)| file.get(at + KEY.len()..)).any(|value| !is_deflate(value))
}

/// Whether the value of a filter begins with deflate, by itself or as a list of one. What stands elsewhere, behind a
/// reference, could be anything.
fn is_deflate(value: &[u8]) -> bool {
    const NAME: &[u8] = b"/FlateDecode";
    let value = value.trim_ascii_start();
    let (value, is_list) = value.strip_prefix(b"[").map_or((value, false), |list| (list.trim_ascii_start(), true));
    let Some(rest) = value.strip_prefix(NAME) else { return false };
    if is_list {
        return rest.trim_ascii_start().starts_with(b"]");
    }
    rest.first().is_none_or(|next| next.is_ascii_whitespace() || b"/>".contains(next))
}

/// The file with the bytes that names may have as two digits after a `#` (ISO 32000-1, 7.3.5) as they are meant.
fn unescaped(file: &[u8]) -> Vec<u8> {
    let mut read = Vec::with_capacity(file.len());
    let mut rest = file;
    while let [byte, after @ ..] = rest {
        let escaped = after.first_chunk::<2>().filter(|_| *byte == b'#').and_then(|digits| hex::decode(digits).ok());
        match escaped {
            Some(meant) => {
                read.extend(meant);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                read.push(*byte);
                rest = after;
            }
        }
    }
    read
}

fn show(desk: &Desk, identifier: String, answer: Option<Verified>, copy: Option<CopyVerdict>) -> Answer {
    let mut page = desk.page_at("/verify");
    let fresh = if page.csrf.is_empty() { cookies::new_guest(desk.secure()) } else { None };
    if let Some((secret, _)) = &fresh {
        page.csrf.clone_from(secret);
    }
    let mut response = desk.show(&VerifyPage { page, t: desk.t, identifier, answer, copy })?;
    if let Some((_, mut cookie)) = fresh {
        cookie.set_path("/verify");
        response.add_cookie(&cookie).map_err(Problem::internal)?;
    }
    Ok(response)
}

async fn verified(desk: &Desk, identifier: &str) -> Result<Verified, Problem> {
    let (verdict, found) = match desk.node.verify_certificate(identifier) {
        Ok(found) if found.valid => ("valid", Some(found)),
        Ok(found) => ("not_valid", Some(found)),
        Err(ServiceError::Malformed(_)) => ("malformed", None),
        Err(ServiceError::NotFound(_)) => ("unknown", None),
        Err(error) => return Err(error.into()),
    };
    // Looked up for unknown ones too, so that the time of an answer tells nothing.
    let issued = transactions(desk, identifier, Some("certificate.issue")).await?.into_iter().next();
    let place = issued.map(|issued| (issued.transaction_id, issued.ledger_index));
    let (annotations, successor) =
        found.as_ref().map(|found| (found.annotations.clone(), found.successor.clone())).unwrap_or_default();
    Ok(Verified {
        verdict,
        certificate: found.map(|found| card(desk, found, place)),
        annotations,
        successor,
        ledger_index: desk.node.chain.size(),
        asked_at: desk.node.clock.now().local_text(),
    })
}

/// The card without anything of the holder.
fn card(desk: &Desk, found: Verification, place: Option<(Option<crate::ids::TxId>, u64)>) -> CertificateCard {
    let (transaction, index) = place.unwrap_or_default();
    CertificateCard {
        type_name: desk.t.pick(&found.type_name).to_owned(),
        issuer: desk.t.pick(&found.issuer_name).to_owned(),
        issued_at: found.issued_at.local_text(),
        valid_from: found.valid_from,
        valid_to: found.valid_to.unwrap_or_default(),
        status: found.status.as_str().to_owned(),
        fields: Vec::new(),
        document_digest: found.document_digest.to_string(),
        transaction: transaction.map(|id| id.to_string()).unwrap_or_default(),
        index,
        identifier: found.identifier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_too_well_is_not_unpacked() {
        let with = |data: &[u8]| {
            [&b"%PDF-1.7\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n\x78\x9c"[..], data, b"\nendstream\nendobj\n"]
                .concat()
        };
        assert!(is_modest(b"{}") && is_modest(b"%PDF-1.7\nstream\n") && is_modest(&with(b"\x03\x00")));
        let bomb = crate::web::sheets::inflate::tests::bomb(60_000);
        assert!(!is_modest(&with(&bomb)) && !is_modest(&with(&bomb[..59_000])));
        let bare = |end: &[u8]| [&b"%PDF-1.7\n<</Filter/FlateDecode>>\nstream"[..], end, b"\x78\x9c", &bomb].concat();
        assert!([&b"\n"[..], b"\r\n", b"\r"].iter().all(|end| !is_modest(&bare(end))));
        let packed =
            |how: &str| is_modest(format!("%PDF-1.7\n1 0 obj\n<</Length 3{how}>>\nstream\nabc\nendstream").as_bytes());
        for ours in ["/Filter/FlateDecode", "/Filter [ /FlateDecode ]", "/Filter\n/FlateDecode/DL 3"] {
            assert!(packed(ours), "{ours}");
        }
        for other in [
            "/Filter/LZWDecode",
            "/Filter [/FlateDecode /FlateDecode]",
            "/Filter[/RL /FlateDecode]",
            "/Filter/L#5aWDecode",
            "/F#69lter[/Fl#61teDecode/Fl#61teDecode]",
            "/#46ilter/A#53CIIHexDecode",
            "/Filter[/FlateDecode\n\n/FlateDecode]",
            "/Filter 5 0 R",
            "/Filter/FlateDecodeX",
        ] {
            assert!(!packed(other), "{other}");
        }
        assert!(!packed("/Fl#61teDecode/Filter/#4cZWDecode") && packed("/Filter/Fl#61teDecode"));
        assert!(!is_modest(&b"%PDF-1.7\n".iter().copied().chain(b"stream\n..".repeat(65)).collect::<Vec<u8>>()));
    }
}

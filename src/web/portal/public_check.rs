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
        let line = if file.get(end) == Some(&b'\r') { 2 } else { 1 };
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
    const OTHERS: [&[u8]; 8] =
        [b"LZW", b"/RL", b"RunLength", b"A85", b"ASCII", b"AHx", b"/FlateDecode/Fl", b"/FlateDecode /Fl"];
    let of = |part: &[u8], name: &[u8]| part.windows(name.len()).any(|window| window == name);
    let filters = file.windows(7).enumerate().filter(|(_, window)| window == b"/Filter");
    let mut names = filters.filter_map(|(at, _)| file.get(at + 7..file.len().min(at + 71)));
    names.any(|names| {
        let end = names.windows(2).position(|window| window == b">>").unwrap_or(names.len());
        names.get(..end).is_some_and(|names| OTHERS.iter().any(|other| of(names, other)))
    })
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
        for packed in ["/LZWDecode", " [/FlateDecode /FlateDecode]", "[/RL /FlateDecode]"] {
            let file = format!("%PDF-1.7\n1 0 obj\n<</Length 3/Filter{packed}>>\nstream\nabc\nendstream");
            assert!(!is_modest(file.as_bytes()), "{packed}");
        }
        assert!(!is_modest(&b"%PDF-1.7\n".iter().copied().chain(b"stream\n..".repeat(65)).collect::<Vec<u8>>()));
    }
}

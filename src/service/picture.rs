//! Texts as pictures for cameras: QR codes (ISO/IEC 18004) as SVG.

use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRBuilder;

use super::error::ServiceError;

/// The picture of a text.
///
/// # Errors
/// [`ServiceError::Internal`] for a text that is too long for one.
pub(super) fn qr(text: &str) -> Result<String, ServiceError> {
    let code = QRBuilder::new(text).build().map_err(|e| ServiceError::Internal(format!("a QR code: {e}")))?;
    Ok(SvgBuilder::default().margin(2).to_str(&code))
}

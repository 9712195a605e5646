//! The holder's copy as a paper: PDF/A-3a (ISO 19005-3), A4, tagged for those who have it read to them, the typeface
//! embedded as a subset, the JSON copy attached.

mod font;
mod layout;
mod ornament;
mod tags;

use std::sync::LazyLock;

use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::page::PageSettings;
use krilla::text::Font;
use krilla::{Document, SerializeSettings};

use crate::domain::Text;

use font::Metrics;
use layout::Mark;

/// Name of the attached JSON copy.
pub const ATTACHMENT: &str = "licence.json";

/// What stands on a paper.
#[derive(Clone, Debug)]
pub struct Face {
    /// Name of the type.
    pub title: Text,
    /// GB/T 36904 identifier.
    pub identifier: String,
    /// Number of the certificate.
    pub number: String,
    /// Who issued it.
    pub issuer: Text,
    /// Day of issue.
    pub issued_on: String,
    /// First day.
    pub valid_from: String,
    /// Last day, none for no end.
    pub valid_to: Option<String>,
    /// Sections with their rows; the first one is the holder's.
    pub sections: Vec<Part>,
    /// What the law says.
    pub legal_note: Text,
    /// Where anybody sees how the certificate stands now.
    pub verify_url: String,
    /// SM3 of the document, as on the ledger.
    pub digest: String,
    /// Index of the issuing transaction.
    pub ledger_index: u64,
    /// When the copy was made: year, month, day, hour, minute, second in UTC.
    pub made_at: [u16; 6],
}

/// A section: its heading, and its rows of label and value.
#[derive(Clone, Debug)]
pub struct Part {
    /// The heading.
    pub title: Text,
    /// Label and value.
    pub rows: Vec<(Text, String)>,
}

/// Draws the paper, with the JSON copy attached.
///
/// # Errors
/// What the library says; none is expected.
pub fn draw(face: &Face, copy: Vec<u8>) -> Result<Vec<u8>, String> {
    static METRICS: LazyLock<Option<Metrics>> = LazyLock::new(Metrics::read);
    let metrics = METRICS.as_ref().ok_or("the font's tables cannot be read")?;
    let font = Font::new(font::FILE.into(), 0).ok_or("the font cannot be used")?;
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A3_A).finish();
    let configuration = configuration.map_err(|e| format!("{e:?}"))?;
    let settings = SerializeSettings { configuration, enable_tagging: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let pages = layout::pages(metrics, face);
    let count = pages.len();
    let mut tags = tags::Tags::default();
    for (at, marks) in pages.into_iter().enumerate() {
        let size = PageSettings::from_wh(ornament::PAGE.0, ornament::PAGE.1).ok_or("no size of a page")?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        tags::ornament(&mut surface, |surface| {
            ornament::rosette(surface);
            ornament::frame(surface);
        });
        for mark in marks {
            match mark {
                Mark::Text { at, size, ink, text, level } => {
                    tags.text(&mut surface, level, |surface| ornament::text(surface, &font, ink, at, size, &text));
                }
                Mark::Rule { from, to_x, width, ink } => {
                    tags::ornament(&mut surface, |surface| ornament::rule(surface, ink, width, from, to_x));
                }
                Mark::Bar { at, size, ink } => {
                    tags::ornament(&mut surface, |surface| ornament::bar(surface, ink, at.0, at.1, size));
                }
            }
        }
        if at + 1 == count {
            tags.picture(&mut surface, &format!("核验网址二维码 QR code: {}", face.verify_url), |surface| {
                ornament::qr(surface, &face.verify_url, layout::QR_AT, layout::QR_SIDE);
            });
            tags.picture(
                &mut surface,
                &format!("颁发机构标记 Mark of the issuer: {}", face.issuer.zh),
                |surface| {
                    ornament::mark(surface, &font, metrics, layout::MARK_AT, &face.issuer.zh);
                },
            );
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tags.tree());
    attach(&mut document, face, copy)?;
    document.set_metadata(metadata(face));
    document.finish().map_err(|e| format!("{e:?}"))
}

fn attach(document: &mut Document, face: &Face, copy: Vec<u8>) -> Result<(), String> {
    let attached = EmbeddedFile {
        path: ATTACHMENT.to_owned(),
        mime_type: MimeType::new("application/json"),
        description: Some(
            "本证照的可验证凭证及账本收据 / This licence as a verifiable credential, with its receipt".into(),
        ),
        association_kind: AssociationKind::Source,
        data: copy.into(),
        modification_date: Some(time(face)),
        compress: Some(true),
        location: None,
    };
    document.embed_file(attached).ok_or_else(|| "the copy is attached already".to_owned())
}

fn metadata(face: &Face) -> Metadata {
    Metadata::new()
        .title(format!("{} {}", face.title.zh, face.number))
        .description(format!("{} · {}", face.title.en, face.identifier))
        .language("zh-CN".to_owned())
        .authors(vec![face.issuer.zh.clone()])
        .creator("Mulu".to_owned())
        .creation_date(time(face))
        .document_id(face.identifier.clone())
        .text_direction(TextDirection::LeftToRight)
}

fn time(face: &Face) -> DateTime {
    let [year, month, day, hour, minute, second] = face.made_at;
    let small = |value: u16| u8::try_from(value).unwrap_or(0);
    DateTime::new(year)
        .month(small(month))
        .day(small(day))
        .hour(small(hour))
        .minute(small(minute))
        .second(small(second))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

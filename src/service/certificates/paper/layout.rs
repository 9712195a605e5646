//! Where everything stands on a paper: from a face to pages of marks.

use crate::domain::Text;

use super::Face;
use super::font::Metrics;
use super::ornament::{GOLD, INK, Ink, MUTED, PAGE, PALE, SEAL};

/// The QR code's place and side.
pub const QR_AT: (f32, f32) = (66.0, 654.0);
/// See [`QR_AT`].
pub const QR_SIDE: f32 = 92.0;
/// The middle of the issuer's mark.
pub const MARK_AT: (f32, f32) = (474.0, 702.0);

const LEFT: f32 = 66.0;
const RIGHT: f32 = PAGE.0 - 66.0;
/// Where values begin, after their labels.
const VALUES: f32 = 202.0;
const TOP: f32 = 84.0;
/// The lowest line of text on a page that goes on.
const BOTTOM: f32 = 776.0;
/// The lowest line above the foot.
const FOOT: f32 = 626.0;

/// One thing to draw.
pub enum Mark {
    /// A line of text from its baseline's beginning; a heading of a level, or with 0 none.
    Text { at: (f32, f32), size: f32, ink: Ink, text: String, level: u16 },
    /// A line.
    Rule { from: (f32, f32), to_x: f32, width: f32, ink: Ink },
    /// A filled rectangle.
    Bar { at: (f32, f32), size: (f32, f32), ink: Ink },
}

struct Sheet<'a> {
    metrics: &'a Metrics,
    face: &'a Face,
    pages: Vec<Vec<Mark>>,
    /// Where the next line stands.
    y: f32,
}

/// Sets a face; one page for most, more where it has much to say.
pub fn pages(metrics: &Metrics, face: &Face) -> Vec<Vec<Mark>> {
    let mut sheet = Sheet { metrics, face, pages: vec![Vec::new()], y: TOP };
    sheet.head();
    for part in &face.sections {
        sheet.room(58.0);
        sheet.heading(&part.title);
        for (label, value) in &part.rows {
            sheet.row(label, value);
        }
        sheet.y += 12.0;
    }
    sheet.note();
    if sheet.y > FOOT {
        sheet.next_page();
    }
    sheet.foot();
    sheet.pages
}

impl Sheet<'_> {
    fn push(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, x: f32, size: f32, ink: Ink, text: &str) {
        self.line(x, size, ink, text, 0);
    }

    fn line(&mut self, x: f32, size: f32, ink: Ink, text: &str, level: u16) {
        let (text, y) = (self.metrics.shown(text), self.y);
        self.push(Mark::Text { at: (x, y), size, ink, text, level });
    }

    /// In the middle, smaller where it would be too wide.
    fn centered(&mut self, size: f32, ink: Ink, text: &str, level: u16) {
        let wide = self.metrics.width(&self.metrics.shown(text), size);
        let size = size * (1.0_f32).min((RIGHT - LEFT) / wide.max(1.0));
        let wide = self.metrics.width(&self.metrics.shown(text), size);
        self.line((PAGE.0 - wide) / 2.0, size, ink, text, level);
    }

    fn rule(&mut self, ink: Ink, width: f32) {
        let from = (LEFT, self.y);
        self.push(Mark::Rule { from, to_x: RIGHT, width, ink });
    }

    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.next_page();
        }
    }

    fn next_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP - 14.0;
        let head = format!("{}　{}", self.face.title.zh, self.face.number);
        self.centered(9.0, MUTED, &head, 0);
        self.y += 26.0;
    }

    fn head(&mut self) {
        self.centered(9.0, GOLD, "电 子 证 照　·　ELECTRONIC LICENCE", 0);
        self.y += 46.0;
        let spaced: Vec<String> = self.face.title.zh.chars().map(String::from).collect();
        let title = if spaced.len() <= 10 { spaced.join("\u{2009}") } else { spaced.concat() };
        let title = if self.metrics.has('\u{2009}') { title } else { spaced.concat() };
        self.centered(32.0, SEAL, &title, 1);
        self.y += 22.0;
        let english = self.face.title.en.clone();
        self.centered(11.0, MUTED, &english, 0);
        self.y += 18.0;
        self.rule(GOLD, 0.8);
        self.y += 16.0;
        let number = format!("编号 No. {}", self.face.number);
        let wide = self.metrics.width(&number, 9.0);
        self.text(RIGHT - wide, 9.0, INK, &number);
        self.y += 18.0;
    }

    fn heading(&mut self, title: &Text) {
        let at = (LEFT, self.y - 9.5);
        self.push(Mark::Bar { at, size: (3.0, 12.0), ink: SEAL });
        self.line(LEFT + 9.0, 11.5, SEAL, &title.zh, 2);
        let after = LEFT + 9.0 + self.metrics.width(&self.metrics.shown(&title.zh), 11.5) + 8.0;
        self.text(after, 8.0, MUTED, &title.en);
        self.y += 7.0;
        self.rule(GOLD, 0.5);
        self.y += 17.0;
    }

    fn row(&mut self, label: &Text, value: &str) {
        let values = self.metrics.lines(value, 10.5, RIGHT - VALUES);
        let english = self.metrics.lines(&label.en, 6.8, VALUES - LEFT - 12.0);
        self.room(30.0);
        self.text(LEFT, 9.8, INK, &label.zh);
        let begin = self.y;
        for line in &english {
            self.y += 9.0;
            self.text(LEFT, 6.8, MUTED, line);
        }
        let labels_end = self.y;
        self.y = begin;
        for (at, line) in values.iter().enumerate() {
            if at > 0 {
                self.y += 15.0;
                self.room(8.0);
            }
            self.text(VALUES, 10.5, INK, line);
        }
        self.y = if self.y < begin { self.y } else { self.y.max(labels_end) } + 7.0;
        self.rule(PALE, 0.7);
        self.y += 16.0;
    }

    fn note(&mut self) {
        let note = self.face.legal_note.clone();
        for (text, size, step, ink) in [(&note.zh, 8.6, 13.0, INK), (&note.en, 6.8, 9.6, MUTED)] {
            for line in self.metrics.lines(text, size, RIGHT - LEFT) {
                self.room(step);
                self.text(LEFT, size, ink, &line);
                self.y += step;
            }
        }
    }

    fn foot(&mut self) {
        let face = self.face;
        self.y = QR_AT.1 - 14.0;
        self.rule(GOLD, 0.8);
        let until = face.valid_to.clone().unwrap_or_else(|| "长期 no end".to_owned());
        let lines = [
            ("颁发机构", "Issued by", face.issuer.zh.clone(), face.issuer.en.clone()),
            ("颁发日期", "Date of issue", face.issued_on.clone(), String::new()),
            ("有效期限", "Validity", format!("{} – {until}", face.valid_from), String::new()),
        ];
        self.y = QR_AT.1 + 10.0;
        for (zh, en, value, below) in lines {
            self.text(176.0, 9.0, INK, zh);
            self.text(176.0 + 40.0, 6.8, MUTED, en);
            self.y += 13.5;
            let line = self.metrics.lines(&value, 10.5, 236.0).into_iter().next().unwrap_or_default();
            self.text(176.0, 10.5, INK, &line);
            if !below.is_empty() {
                self.y += 9.5;
                let line = self.metrics.lines(&below, 6.8, 236.0).into_iter().next().unwrap_or_default();
                self.text(176.0, 6.8, MUTED, &line);
            }
            self.y += 17.0;
        }
        self.y = QR_AT.1 + QR_SIDE + 10.0;
        self.text(LEFT, 7.2, MUTED, "扫码核验 Scan to verify");
        self.y += 15.0;
        self.text(LEFT, 8.0, INK, &format!("电子证照标识 Identifier　{}", face.identifier));
        self.y += 10.5;
        let proof = format!("账本序号 Ledger index {}　SM3 {}", face.ledger_index, face.digest);
        self.text(LEFT, 6.2, MUTED, &proof);
        self.y += 9.0;
        let attached = "本文件附有 licence.json：颁发机构签名的凭证及账本收据，可离线核验。 Attached: the signed credential with its ledger receipt, to be verified offline.";
        self.text(LEFT, 6.0, MUTED, attached);
    }
}

//! The papers' typeface, Noto Sans SC (SIL Open Font License 1.1), and how wide its characters are (ISO/IEC 14496-22).

/// The font's file.
pub static FILE: &[u8] = include_bytes!("font/NotoSansSC-Regular.ttf");

/// What breaking lines needs to know of the font.
pub struct Metrics {
    units: f32,
    /// Where `hmtx` begins, and how many advances it has.
    advances: (usize, u16),
    /// Where the groups of `cmap`'s format 12 begin, and how many there are.
    groups: (usize, u32),
}

impl Metrics {
    /// Reads the tables; none when the file is no such font.
    pub fn read() -> Option<Self> {
        let units = u16_at(table(b"head")? + 18)?;
        let advances = (table(b"hmtx")?, u16_at(table(b"hhea")? + 34)?);
        let cmap = table(b"cmap")?;
        let tables = usize::from(u16_at(cmap + 2)?);
        let full = (0..tables).map(|n| cmap + 4 + 8 * n).find_map(|record| {
            let at = cmap + offset(record + 4)?;
            (u16_at(record)? == 3 && u16_at(record + 2)? == 10 && u16_at(at)? == 12).then_some(at)
        })?;
        Some(Self { units: f32::from(units), advances, groups: (full + 16, u32_at(full + 12)?) })
    }

    /// Whether the font can show a character.
    pub fn has(&self, character: char) -> bool {
        self.glyph(character).is_some_and(|glyph| glyph != 0)
    }

    /// The width of a text in a size, in the size's unit.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|character| self.advance(character)).sum::<f32>() * size
    }

    fn advance(&self, character: char) -> f32 {
        let (table, count) = self.advances;
        let glyph = self.glyph(character).unwrap_or(0).min(u32::from(count.saturating_sub(1)));
        let place = usize::try_from(glyph).ok().and_then(|glyph| u16_at(table + 4 * glyph));
        f32::from(place.unwrap_or(1_000)) / self.units
    }

    fn glyph(&self, character: char) -> Option<u32> {
        let (table, count) = self.groups;
        let code = u32::from(character);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let group = table + 12 * usize::try_from(middle).ok()?;
            let (first, last) = (u32_at(group)?, u32_at(group + 4)?);
            if code < first {
                high = middle;
            } else if code > last {
                low = middle + 1;
            } else {
                return Some(u32_at(group + 8)? + (code - first));
            }
        }
        None
    }

    /// The text with its code points in the place of what the font cannot show: nothing is dropped unseen.
    pub fn shown(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            if self.has(character) {
                shown.push(character);
            } else if character.is_whitespace() {
                shown.push(' ');
            } else {
                shown.push_str(&format!("[U+{:04X}]", u32::from(character)));
            }
        }
        shown
    }

    /// Breaks a text into lines that are not wider than `width`: between Chinese characters, and between words.
    pub fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = 0.0;
        for piece in pieces(&self.shown(text)) {
            let mut begin = |piece: &str, used: &mut f32| {
                lines.push(piece.trim_start().to_owned());
                *used = self.width(piece.trim_start(), size);
            };
            let wide = self.width(&piece, size);
            let hangs = piece.chars().all(|c| "，。、；：！？）》」』”’,.;:!?)".contains(c));
            if used + wide <= width || (hangs && used > 0.0) {
                if let Some(line) = lines.last_mut() {
                    line.push_str(&piece);
                }
                used += wide;
            } else if wide <= width {
                begin(&piece, &mut used);
            } else {
                // One word that is longer than a line is broken anywhere.
                for character in piece.chars() {
                    let one = self.width(character.encode_utf8(&mut [0; 4]), size);
                    if used + one > width {
                        lines.push(String::new());
                        used = 0.0;
                    }
                    if let Some(line) = lines.last_mut() {
                        line.push(character);
                    }
                    used += one;
                }
            }
        }
        lines
    }
}

/// Words with the space before them, and single characters of scripts without words.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut open = false;
    for character in text.chars() {
        let alone = u32::from(character) >= 0x2E80;
        if alone || !open || character == ' ' {
            pieces.push(character.to_string());
            open = !alone;
        } else if let Some(last) = pieces.last_mut() {
            last.push(character);
        }
    }
    pieces
}

fn table(tag: &[u8; 4]) -> Option<usize> {
    let tables = usize::from(u16_at(4)?);
    let record = (0..tables).map(|n| 12 + 16 * n).find(|record| FILE.get(*record..*record + 4) == Some(tag))?;
    offset(record + 8)
}

fn offset(at: usize) -> Option<usize> {
    usize::try_from(u32_at(at)?).ok()
}

fn u16_at(at: usize) -> Option<u16> {
    FILE.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(at: usize) -> Option<u32> {
    FILE.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_font_s_and_nothing_is_dropped() {
        let metrics = Metrics::read().unwrap();
        assert!((metrics.width("不动产权证书", 10.0) - 60.0).abs() < 0.01);
        assert!(metrics.width("il", 10.0) < metrics.width("MW", 10.0));
        assert!(metrics.has('娜') && metrics.has('·') && !metrics.has('\u{2A6D6}') && !metrics.has('\u{1F600}'));
        assert_eq!(metrics.shown("张\u{2A6D6}\n三\u{7}"), "张[U+2A6D6] 三[U+0007]");
    }

    #[test]
    fn lines_keep_words_and_are_not_too_wide() {
        let metrics = Metrics::read().unwrap();
        let text = "北京市朝阳区建国路，registered under the Civil Code 110105001001GB00001F00010001。";
        let lines = metrics.lines(text, 10.0, 90.0);
        assert!(lines.len() > 3, "{lines:?}");
        assert!(lines.iter().all(|line| metrics.width(line, 10.0) <= 101.0), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("registered")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with(['，', '。'])), "{lines:?}");
        let all = |text: &str| text.replace(' ', "");
        assert_eq!(all(&lines.concat()), all(text));
    }
}

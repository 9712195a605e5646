//! What is drawn on a paper beside text: its frame, a rosette behind it, the issuer's mark, the QR code.

use std::f32::consts::{PI, TAU};

use fast_qr::QRBuilder;
use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::paint::{Fill, Paint, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};

use super::font::Metrics;

/// A4, in points.
pub const PAGE: (f32, f32) = (595.28, 841.89);
/// Red, green, blue.
pub type Ink = (u8, u8, u8);
/// Text.
pub const INK: Ink = (0x24, 0x24, 0x28);
/// Labels.
pub const MUTED: Ink = (0x6d, 0x67, 0x60);
/// The mark and headings.
pub const SEAL: Ink = (0xa3, 0x1f, 0x24);
/// Fine lines.
pub const GOLD: Ink = (0xb3, 0x8b, 0x46);
/// The rosette, and the lines between rows.
pub const PALE: Ink = (0xf0, 0xe6, 0xd6);

const FRAME: f32 = 24.0;
const BAND: f32 = 8.0;

fn paint(ink: Ink) -> Paint {
    rgb::Color::new(ink.0, ink.1, ink.2).into()
}

fn fill(surface: &mut Surface<'_>, color: Ink, path: Option<Path>) {
    surface.set_stroke(None);
    surface.set_fill(Some(Fill { paint: paint(color), ..Fill::default() }));
    path.iter().for_each(|path| surface.draw_path(path));
}

/// Draws a path's line.
pub fn stroke(surface: &mut Surface<'_>, color: Ink, width: f32, path: Option<Path>) {
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: paint(color), width, ..Stroke::default() }));
    path.iter().for_each(|path| surface.draw_path(path));
    surface.set_stroke(None);
}

fn rect(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, y, width, height)?);
    path.finish()
}

/// A filled rectangle.
pub fn bar(surface: &mut Surface<'_>, color: Ink, x: f32, y: f32, size: (f32, f32)) {
    fill(surface, color, rect(x, y, size.0, size.1));
}

/// A line from one point to another on the same height.
pub fn rule(surface: &mut Surface<'_>, color: Ink, width: f32, from: (f32, f32), to_x: f32) {
    let mut path = PathBuilder::new();
    path.move_to(from.0, from.1);
    path.line_to(to_x, from.1);
    stroke(surface, color, width, path.finish());
}

fn curve(points: impl Iterator<Item = (f32, f32)>) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (at, (x, y)) in points.enumerate() {
        if at == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    path.finish()
}

fn circle(center: (f32, f32), radius: f32) -> Option<Path> {
    let point = |step: u16| {
        let angle = f32::from(step) / 180.0 * TAU;
        (center.0 + radius * angle.cos(), center.1 + radius * angle.sin())
    };
    curve((0..180).map(point))
}

/// The frame: two lines with a row of lozenges between, and a key pattern in each corner.
pub fn frame(surface: &mut Surface<'_>) {
    let (width, height) = (PAGE.0 - 2.0 * FRAME, PAGE.1 - 2.0 * FRAME);
    stroke(surface, SEAL, 1.8, rect(FRAME, FRAME, width, height));
    let inner = FRAME + BAND;
    stroke(surface, GOLD, 0.6, rect(inner, inner, width - 2.0 * BAND, height - 2.0 * BAND));
    let mut lozenges = PathBuilder::new();
    let mut lozenge = |x: f32, y: f32| {
        lozenges.move_to(x - 1.9, y);
        lozenges.line_to(x, y - 1.9);
        lozenges.line_to(x + 1.9, y);
        lozenges.line_to(x, y + 1.9);
        lozenges.close();
    };
    let middle = FRAME + BAND / 2.0;
    for (count, length, across) in [(44_u16, width, false), (64, height, true)] {
        for n in 1..count {
            let along = FRAME + length * f32::from(n) / f32::from(count);
            let far = if across { PAGE.0 - middle } else { PAGE.1 - middle };
            for other in [middle, far] {
                let (x, y) = if across { (other, along) } else { (along, other) };
                lozenge(x, y);
            }
        }
    }
    fill(surface, GOLD, lozenges.finish());
    for (x, y) in [(inner, inner), (PAGE.0 - inner, inner), (inner, PAGE.1 - inner), (PAGE.0 - inner, PAGE.1 - inner)] {
        let (right, down) = (if x < 300.0 { 1.0 } else { -1.0 }, if y < 400.0 { 1.0 } else { -1.0 });
        let mut key = PathBuilder::new();
        let steps = [(4.0, 30.0), (4.0, 4.0), (30.0, 4.0), (30.0, 20.0), (14.0, 20.0), (14.0, 12.0), (22.0, 12.0)];
        for (at, (dx, dy)) in steps.into_iter().enumerate() {
            let (x, y) = (x + right * dx, y + down * dy);
            if at == 0 { key.move_to(x, y) } else { key.line_to(x, y) }
        }
        stroke(surface, GOLD, 1.0, key.finish());
    }
}

/// A pale rosette behind the text, as papers of value have it.
pub fn rosette(surface: &mut Surface<'_>) {
    let center = (PAGE.0 / 2.0, PAGE.1 / 2.0 - 8.0);
    for (lobes, base, depth) in [(12.0, 128.0, 42.0), (12.0, 98.0, 30.0), (24.0, 150.0, 18.0)] {
        for turn in 0..3_u8 {
            let shift = f32::from(turn) * TAU / (3.0 * lobes);
            let point = |step: u16| {
                let angle = f32::from(step) / 720.0 * TAU;
                let radius = base + depth * (lobes * (angle + shift)).sin();
                (center.0 + radius * angle.cos(), center.1 + radius * angle.sin())
            };
            stroke(surface, PALE, 0.5, curve((0..720).map(point)));
        }
    }
}

/// The issuer's mark: its name around the tablet that stands for the directory (目).
pub fn mark(surface: &mut Surface<'_>, font: &Font, metrics: &Metrics, center: (f32, f32), name: &str) {
    stroke(surface, SEAL, 2.2, circle(center, 47.0));
    stroke(surface, SEAL, 0.6, circle(center, 43.0));
    stroke(surface, SEAL, 1.5, rect(center.0 - 9.0, center.1 - 13.0, 18.0, 22.0));
    for y in [-5.7, 1.7] {
        rule(surface, SEAL, 1.2, (center.0 - 9.0, center.1 + y), center.0 + 9.0);
    }
    let caption = "电子证照";
    let wide = metrics.width(caption, 8.0);
    text(surface, font, SEAL, (center.0 - wide / 2.0, center.1 + 24.0), 8.0, caption);
    let name: Vec<char> = metrics.shown(name).chars().take(24).collect();
    let count = f32::from(u8::try_from(name.len()).unwrap_or(24));
    let size = (210.0 / (count + 4.0)).clamp(6.0, 10.5);
    let step = (1.36 * PI / count.max(1.0)).min(1.32 * size / 31.0);
    for (at, character) in name.iter().enumerate() {
        let place = f32::from(u8::try_from(at).unwrap_or(0)) - (count - 1.0) / 2.0;
        let glyph = character.to_string();
        surface.push_transform(&Transform::from_translate(center.0, center.1));
        surface.push_transform(&Transform::from_rotate((place * step).to_degrees()));
        let half = metrics.width(&glyph, size) / 2.0;
        text(surface, font, SEAL, (-half, -30.5), size, &glyph);
        surface.pop();
        surface.pop();
    }
}

/// Draws a line of text whose baseline begins at a point.
pub fn text(surface: &mut Surface<'_>, font: &Font, color: Ink, at: (f32, f32), size: f32, text: &str) {
    surface.set_stroke(None);
    surface.set_fill(Some(Fill { paint: paint(color), ..Fill::default() }));
    surface.draw_text(Point::from_xy(at.0, at.1), font.clone(), size, text, false, TextDirection::LeftToRight);
}

/// The QR code (ISO/IEC 18004) of an address, in a square of this side; nothing when it is too long for one.
pub fn qr(surface: &mut Surface<'_>, content: &str, at: (f32, f32), side: f32) {
    let Ok(code) = QRBuilder::new(content).ecl(fast_qr::ECL::M).build() else { return };
    let Ok(size) = u8::try_from(code.size) else { return };
    let unit = side / f32::from(size);
    let mut path = PathBuilder::new();
    for row in 0..size {
        let y = at.1 + f32::from(row) * unit;
        // Neighbours are one bar, so that no hairline shows between them.
        let mut column = 0;
        while column < size {
            let dark = |column: u8| code[usize::from(row)].get(usize::from(column)).is_some_and(|m| m.value());
            let begin = column;
            while column < size && dark(column) {
                column += 1;
            }
            let (x, wide) = (at.0 + f32::from(begin) * unit, f32::from(column - begin) * unit);
            Rect::from_xywh(x, y, wide, unit).into_iter().for_each(|bar| path.push_rect(bar));
            column += 1;
        }
    }
    fill(surface, INK, path.finish());
}

//! What a paper's parts are, for those who have it read to them (ISO 32000-1, 14.8): headings, lines, pictures, and what is none.

use std::num::NonZeroU16;

use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag, Tag, TagGroup, TagTree};

/// The parts so far, in the order in which they are read.
#[derive(Default)]
pub struct Tags(Vec<TagGroup>);

/// Draws what says nothing.
pub fn ornament(surface: &mut Surface<'_>, draw: impl FnOnce(&mut Surface<'_>)) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
    draw(surface);
    surface.end_tagged();
}

impl Tags {
    /// Draws a line of text: a heading of a level, or a plain line.
    pub fn text(&mut self, surface: &mut Surface<'_>, level: u16, draw: impl FnOnce(&mut Surface<'_>)) {
        let drawn = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
        draw(surface);
        surface.end_tagged();
        let mut part = match NonZeroU16::new(level) {
            Some(level) => TagGroup::new(Tag::Hn(level, None)),
            None => TagGroup::new(Tag::P),
        };
        part.push(drawn);
        self.0.push(part);
    }

    /// Draws a picture, with what it shows in words.
    pub fn picture(&mut self, surface: &mut Surface<'_>, words: &str, draw: impl FnOnce(&mut Surface<'_>)) {
        let drawn = surface.start_tagged(ContentTag::Other);
        draw(surface);
        surface.end_tagged();
        let mut part = TagGroup::new(Tag::Figure(Some(words.to_owned())));
        part.push(drawn);
        self.0.push(part);
    }

    /// All of it.
    pub fn tree(self) -> TagTree {
        let mut tree = TagTree::new();
        self.0.into_iter().for_each(|part| tree.push(part));
        tree
    }
}

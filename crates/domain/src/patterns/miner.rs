//! The templates of one service, and which of them each line belongs to.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::TemplateId;
use super::mask::VARIABLE;
use super::template::{Template, id_of};

/// Templates that are told apart in one service; lines of further ones are counted together.
pub const MAX_TEMPLATES: usize = 2_000;
/// A part of them is kept for general ones, which are what many come down to.
const MAX_PLAIN: usize = 1_800;
/// So many templates that differ in one word are spelled out; the next line like them makes a general one.
pub const MAX_VARIANTS: usize = 8;
/// So many templates that differ in one word tell that it varies: further ones are no news.
const TOLD_VARIANTS: usize = 2;
/// Words that a general template must have beside its variables, so that short lines do not all become one.
const MIN_WORDS: usize = 2;
/// Ids of lines' own templates that are remembered with what they belong to.
const MAX_REMEMBERED: usize = 32_768;
/// How often lines are compared with all templates: bounds what lines cost that are all different.
const MAX_COMPARISONS: u32 = 4_000;

/// Where a template stands in a [`Miner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(u32);

impl Slot {
    /// Stands for [`TemplateId::OTHER`].
    pub const OTHER: Self = Self(0);

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A template that is known already, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: TemplateId,
    pub tokens: Vec<u64>,
    pub is_general: bool,
}

/// Assigns lines to templates, and learns new ones.
#[derive(Debug)]
pub struct Miner {
    /// The first stands for the others.
    templates: Vec<Template>,
    /// By the ids of lines' own templates.
    slots: HashMap<u64, Slot, BuildHasherDefault<Identity>>,
    /// By the number of tokens.
    by_length: HashMap<usize, Vec<Slot>>,
    plain: usize,
    comparisons: u32,
    tokens: Vec<u64>,
}

impl Default for Miner {
    fn default() -> Self {
        Self::new([])
    }
}

impl Miner {
    /// Knows these templates, and goes on from there.
    pub fn new(known: impl IntoIterator<Item = Known>) -> Self {
        let other = Template {
            id: TemplateId::OTHER,
            tokens: Vec::new(),
            text: String::new(),
            is_general: false,
        };
        let mut miner = Self {
            templates: vec![other],
            slots: HashMap::default(),
            by_length: HashMap::new(),
            plain: 0,
            comparisons: 0,
            tokens: Vec::new(),
        };
        for known in known {
            miner.add(Template {
                id: known.id,
                tokens: known.tokens,
                text: String::new(),
                is_general: known.is_general,
            });
        }
        miner
    }

    /// How many slots there are, that of the others included.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether nothing was learned yet.
    pub fn is_empty(&self) -> bool {
        self.templates.len() == 1
    }

    /// The template of a slot. One that was known from the beginning has no text here.
    pub fn template(&self, slot: Slot) -> Option<&Template> {
        self.templates.get(slot.index())
    }

    /// The slots in use, but for that of the others.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        (1..self.templates.len() as u32).map(Slot)
    }

    /// About what it takes in memory, in bytes.
    pub fn size(&self) -> usize {
        const FIXED: usize = 160;
        let of = |template: &Template| template.tokens.len() * 8 + template.text.len() + FIXED;
        self.templates.iter().map(of).sum::<usize>() + self.slots.len() * 24
    }

    /// The template of a message, whose own template has this id ([`super::LineKey`]).
    #[inline]
    pub fn assign(&mut self, own: TemplateId, message: &[u8]) -> Slot {
        match self.slots.get(&own.code()) {
            Some(slot) => *slot,
            None => self.learn(own, message),
        }
    }

    #[cold]
    fn learn(&mut self, own: TemplateId, message: &[u8]) -> Slot {
        let mut tokens = std::mem::take(&mut self.tokens);
        Template::tokens_of(message, &mut tokens);
        let slot = self
            .general_for(&tokens)
            .or_else(|| self.generalize(&tokens, message))
            .unwrap_or_else(|| self.add_plain(message));
        self.tokens = tokens;
        self.remember(own, slot);
        slot
    }

    /// Of the general templates that accept it the one with the fewest variables; of several the one with the lowest id.
    fn general_for(&self, tokens: &[u64]) -> Option<Slot> {
        self.of_length(tokens.len())
            .filter(|(_, template)| template.accepts(tokens))
            .min_by_key(|(_, template)| (template.variables(), template.id))
            .map(|(slot, _)| slot)
    }

    fn of_length(&self, length: usize) -> impl Iterator<Item = (Slot, &Template)> {
        let slots = self.by_length.get(&length).into_iter().flatten();
        slots.map(|slot| (*slot, &self.templates[slot.index()]))
    }

    /// Makes a general template, if enough templates differ from this one in one and the same word.
    fn generalize(&mut self, tokens: &[u64], message: &[u8]) -> Option<Slot> {
        if self.comparisons >= MAX_COMPARISONS || self.templates.len() > MAX_TEMPLATES {
            return None;
        }
        self.comparisons += 1;
        let mut alike: HashMap<TemplateId, (usize, Vec<u64>)> = HashMap::new();
        for (_, template) in self.of_length(tokens.len()) {
            let Some(place) = only_difference(template, tokens) else {
                continue;
            };
            let mut general = template.tokens.clone();
            general[place] = VARIABLE;
            if general.iter().filter(|token| **token != VARIABLE).count() >= MIN_WORDS {
                alike.entry(id_of(&general)).or_insert((0, general)).0 += 1;
            }
        }
        let (_, (_, general)) = alike
            .into_iter()
            .filter(|(_, (count, _))| *count >= MAX_VARIANTS)
            .min_by_key(|(id, _)| *id)?;
        Some(self.add(Template::generalized(message, general)))
    }

    fn add_plain(&mut self, message: &[u8]) -> Slot {
        if self.plain >= MAX_PLAIN || self.templates.len() > MAX_TEMPLATES {
            return Slot::OTHER;
        }
        self.add(Template::of(message))
    }

    fn add(&mut self, template: Template) -> Slot {
        if let Some(slot) = self.slots.get(&template.id.code()).copied()
            && slot != Slot::OTHER
            && self.templates[slot.index()].id == template.id
        {
            // One that was plain until now.
            let known = &mut self.templates[slot.index()];
            known.is_general |= template.is_general;
            return slot;
        }
        let slot = Slot(self.templates.len() as u32);
        self.plain += usize::from(!template.is_general);
        self.slots.insert(template.id.code(), slot);
        self.by_length
            .entry(template.tokens.len())
            .or_default()
            .push(slot);
        self.templates.push(template);
        slot
    }

    fn remember(&mut self, own: TemplateId, slot: Slot) {
        if self.slots.len() >= MAX_REMEMBERED {
            let own_ids = self.templates.iter().zip(0..).skip(1);
            self.slots = own_ids
                .map(|(template, slot)| (template.id.code(), Slot(slot)))
                .collect();
        }
        self.slots.insert(own.code(), slot);
    }
}

/// The template that another is but a form of, among those that were known before it, the oldest first: of a general one the
/// first that it accepts; of others, where at least [`TOLD_VARIANTS`] differ from it in one and the same word, the first of
/// those. One that differs may be a problem of its own, such as another host that is out of reach; a word in which several differ
/// is a name, whatever comes next in its place.
pub fn form_of<'a>(template: &Known, earlier: impl IntoIterator<Item = &'a Known>) -> Option<TemplateId> {
    let mut alike = earlier
        .into_iter()
        .filter(|other| other.tokens.len() == template.tokens.len());
    if template.is_general {
        let accepted = |other: &&Known| {
            let mut tokens = template.tokens.iter().zip(&other.tokens);
            tokens.all(|(own, other)| own == other || *own == VARIABLE)
        };
        return alike.find(accepted).map(|first| first.id);
    }
    if template.tokens.len() <= MIN_WORDS {
        return None;
    }
    let mut places: HashMap<usize, (usize, TemplateId)> = HashMap::new();
    alike.find_map(|other| {
        let place = place_of_difference(&other.tokens, other.is_general, &template.tokens)?;
        let (count, first) = places.entry(place).or_insert((0, other.id));
        *count += 1;
        (*count >= TOLD_VARIANTS).then_some(*first)
    })
}

/// The place of the word in which they differ, if it is one and the only one.
fn only_difference(template: &Template, tokens: &[u64]) -> Option<usize> {
    place_of_difference(&template.tokens, template.is_general, tokens)
}

fn place_of_difference(template: &[u64], is_general: bool, tokens: &[u64]) -> Option<usize> {
    let mut different = template
        .iter()
        .zip(tokens)
        .enumerate()
        .filter(|(_, (own, other))| own != other && !(is_general && **own == VARIABLE));
    let (place, (own, other)) = different.next()?;
    (different.next().is_none() && *own != VARIABLE && *other != VARIABLE).then_some(place)
}

/// Ids are hashes already.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

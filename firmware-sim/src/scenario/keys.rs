//! Taking a TOML text apart, key by key: what is left over is a problem, too.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};

/// A text that is being read, and what was found wrong with it so far.
#[derive(Debug)]
pub(super) struct Page<'text> {
    text: &'text str,
    problems: RefCell<Vec<Problem>>,
}

impl Page<'_> {
    fn report(&self, offset: usize, key: String, text: String) {
        let before = self.text.bytes().take(offset);
        let line = before.filter(|byte| *byte == b'\n').count().saturating_add(1);
        self.problems.borrow_mut().push(Problem { line, key, text });
    }

    /// Tells whether nothing was found wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }
}

/// Reads a text with `read`, which takes the keys that it knows out of the root table.
///
/// # Errors
///
/// Returns every problem that was found.
pub(super) fn read<T>(
    text: &str,
    read: impl FnOnce(&Page<'_>, Keys<'_, '_>) -> Option<T>,
) -> Result<T, Problems> {
    let page = Page { text, problems: RefCell::default() };
    let value = match DeTable::parse(text) {
        Ok(table) => {
            read(&page, Keys { page: &page, path: String::new(), table, asked: Vec::new() })
        }
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            page.report(offset, String::new(), error.message().replace('\n', ", "));
            None
        }
    };
    let mut problems = page.problems.into_inner();
    problems.sort();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        Some(_) | None => Err(Problems(problems)),
    }
}

/// A place in the text where a problem can be reported.
#[derive(Clone, Debug)]
pub(super) struct Place<'page, 'text> {
    page: &'page Page<'text>,
    path: String,
    offset: usize,
    offsets: Vec<(String, usize)>,
}

impl Place<'_, '_> {
    /// Tells whether the table at this place had a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.offsets.iter().any(|(name, _offset)| name == key)
    }

    /// Reports a problem of a key of the table at this place, on the key's line if it is there.
    pub(super) fn problem(&self, key: &str, text: &impl Display) {
        let found = self.offsets.iter().find(|(name, _offset)| name == key);
        let offset = found.map_or(self.offset, |(_name, offset)| *offset);
        self.page.report(offset, joined(&self.path, key), text.to_string());
    }
}

fn joined(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "") => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

/// One table whose keys are being taken out.
#[derive(Debug)]
pub(super) struct Keys<'page, 'text> {
    page: &'page Page<'text>,
    path: String,
    table: Spanned<DeTable<'text>>,
    asked: Vec<&'static str>,
}

type Value<'text> = Spanned<DeValue<'text>>;

impl<'page, 'text> Keys<'page, 'text> {
    /// Returns this place, for problems that show after its keys were taken.
    pub(super) fn place(&self) -> Place<'page, 'text> {
        let offsets = self.table.get_ref().iter();
        let offsets = offsets.map(|(key, value)| (key.get_ref().to_string(), value.span().start));
        Place {
            page: self.page,
            path: self.path.clone(),
            offset: self.table.span().start,
            offsets: offsets.collect(),
        }
    }

    /// Tells whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get_ref().contains_key(key)
    }

    /// Reports a key that is not there; `what` says what to write.
    pub(super) fn must(&mut self, key: &str, what: &str) -> &mut Self {
        if !self.has(key) {
            let offset = self.table.span().start;
            self.page.report(offset, joined(&self.path, key), format!("missing: {what}"));
        }
        self
    }

    /// Reports every key that nobody took.
    pub(super) fn refuse_the_rest(self) {
        let known = self.asked.join(", ");
        for (key, _value) in self.table.get_ref() {
            let path = joined(&self.path, key.get_ref());
            let text = format!("unknown key; known here: {known}");
            self.page.report(key.span().start, path, text);
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'text>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get_mut().remove(key)
    }

    fn refuse(&self, key: &str, value: &Value<'_>, text: &impl Display) {
        self.page.report(value.span().start, joined(&self.path, key), text.to_string());
    }

    fn refuse_type(&self, key: &str, value: &Value<'_>, expected: &str) {
        let found = value.get_ref().type_str();
        self.refuse(key, value, &format!("expected {expected}, found {found}"));
    }

    /// Takes a text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.refuse_type(key, &value, "a text in quotes");
        }
        text
    }

    /// Takes a text that has a form of its own.
    pub(super) fn parsed<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let place = self.place();
        self.text(key)?.parse().map_err(|error| place.problem(key, &error)).ok()
    }

    /// Takes one of several words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let place = self.place();
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _meaning)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _meaning)| *word).collect();
            place.problem(key, &format!("{text:?} is none of: {}", known.join(", ")));
        }
        found.map(|(_word, meaning)| *meaning)
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.refuse_type(key, &value, "a list of texts");
            return None;
        };
        let text = |item: &Value<'_>| {
            let text = item.get_ref().as_str().map(str::to_owned);
            if text.is_none() {
                self.refuse_type(key, item, "a text in quotes");
            }
            text
        };
        items.iter().map(text).collect()
    }

    /// Takes `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.refuse_type(key, &value, "true or false");
        }
        flag
    }

    /// Takes a number with the decimals that are written.
    pub(super) fn decimal(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Decimal>,
    ) -> Option<Decimal> {
        let value = self.take(key)?;
        let digits = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            DeValue::Float(number) => Some(number.as_str()),
            DeValue::Integer(_)
            | DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let digits = digits.map(|digits| digits.replace('_', ""));
        let Some(number) = digits.and_then(|digits| digits.parse::<Decimal>().ok()) else {
            self.refuse_type(key, &value, "a number");
            return None;
        };
        if !range.contains(&number) {
            let (least, most) = range.into_inner();
            self.refuse(key, &value, &format!("{number} is not in {least} to {most}"));
            return None;
        }
        Some(number)
    }

    /// Takes a whole number.
    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let place = self.place();
        let (least, most) = range.into_inner();
        let number = self.decimal(key, Decimal::from(least)..=Decimal::from(most))?;
        let whole = number.to_u32().filter(|_whole| number.is_integer());
        if whole.is_none() {
            place.problem(key, &format!("{number} is not a whole number"));
        }
        whole
    }

    /// Takes a time in seconds, at most three decimals.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let place = self.place();
        let (least, most) = range.into_inner();
        let [least, most] = [least, most].map(|limit| Decimal::from(limit.as_secs()));
        let number = self.decimal(key, least..=most)?;
        let millis = number.checked_mul(Decimal::ONE_THOUSAND).filter(Decimal::is_integer);
        let millis = millis.and_then(|millis| millis.to_u64());
        if millis.is_none() {
            place.problem(key, &format!("{number} has more than three decimals"));
        }
        millis.map(Duration::from_millis)
    }

    /// Takes a table.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Self> {
        let value = self.take(key)?;
        self.inner(key, key, &value)
    }

    /// Takes a list of tables; none if it is not there.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.refuse_type(key, &value, &format!("tables, each written [[{key}]]"));
            return Vec::new();
        };
        let items = items.iter().zip(1_usize..);
        items
            .filter_map(|(item, number)| self.inner(key, &format!("{key}[{number}]"), item))
            .collect()
    }

    fn inner(&self, key: &str, name: &str, value: &Value<'text>) -> Option<Self> {
        let span = value.span();
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse_type(key, value, "a table");
            return None;
        };
        Some(Self {
            page: self.page,
            path: joined(&self.path, name),
            table: Spanned::new(span, table.clone()),
            asked: Vec::new(),
        })
    }
}

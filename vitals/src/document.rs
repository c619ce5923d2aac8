//! Reading a TOML document that a person wrote: every problem at once, each with its line and key.
//!
//! A reader asks for what it knows; what nobody asked for is a problem too. Values that are wrong
//! read as absent, so that reading goes on and the next problem is found as well.

mod problem;
mod zone;

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;
use std::str::FromStr;

pub use problem::{Problem, Problems};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
pub use zone::{Zone, ZoneError};

use crate::identity;

/// Whether a key may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It has to be there; the text says what to write.
    Required(&'static str),
    /// It has to be there; the text is an example of its value, as TOML writes it.
    Example(&'static str),
    /// It may be left out.
    Optional,
}

/// One table of the document while it is being read.
#[derive(Debug)]
pub struct Section<'text> {
    path: String,
    span: Range<usize>,
    table: Option<&'text DeTable<'text>>,
    /// It is something else than a table, which is reported: what it lacks is not.
    is_mistyped: bool,
    asked: RefCell<Vec<&'static str>>,
    report: Rc<Report<'text>>,
}

#[derive(Debug)]
struct Report<'text> {
    text: &'text str,
    problems: RefCell<Vec<Problem>>,
}

/// Reads the document `text` with `read`, which asks the root table for what it knows.
///
/// `read` returns `None` where something that it needs is absent; each absence was reported then.
///
/// # Errors
///
/// Returns every problem that was found: each place where the text is not TOML, or else what `read`
/// asked for and did not ask for.
pub fn read<T>(text: &str, read: impl FnOnce(&Section<'_>) -> Option<T>) -> Result<T, Problems> {
    let report = Report { text, problems: RefCell::default() };
    let (document, syntax_errors) = DeTable::parse_recoverable(text);
    if !syntax_errors.is_empty() {
        for error in syntax_errors {
            let start = error.span().map_or(0, |it| it.start);
            report.add(start, "", format!("not TOML: {}", error.message().replace('\n', ", ")));
        }
        return Err(Problems::new(report.problems.into_inner()));
    }
    let report = Rc::new(report);
    let root = Section {
        path: String::new(),
        span: 0..0,
        table: Some(document.get_ref()),
        is_mistyped: false,
        asked: RefCell::default(),
        report: Rc::clone(&report),
    };
    let value = read(&root);
    root.refuse_the_rest();
    let problems = report.problems.take();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _incomplete => Err(Problems::new(problems)),
    }
}

impl Report<'_> {
    fn add(&self, offset: usize, key: &str, text: String) {
        let line = self.line_at(offset);
        self.problems.borrow_mut().push(Problem { line, key: key.to_owned(), text });
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(self.text);
        before.bytes().filter(|&byte| byte == b'\n').count().saturating_add(1)
    }
}

impl<'text> Section<'text> {
    /// Reads a value through its `FromStr`; the error of that is the problem.
    pub fn text<T>(&self, key: &'static str, need: Need) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text_by(key, need, str::parse)
    }

    /// Reads a value as `parse` understands its text; the error of that is the problem.
    pub fn text_by<T, E: Display>(
        &self,
        key: &'static str,
        need: Need,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.value(key, need)?;
        let Some(text) = value.get_ref().as_str() else {
            let example = match need {
                Need::Example(example) => format!("a text in quotes as in {key} = {example}"),
                Need::Required(_) | Need::Optional => "a text in quotes".to_owned(),
            };
            self.wrong_type(key, value, &example);
            return None;
        };
        parse(text).map_err(|cause| self.problem_at(&value.span(), key, &cause)).ok()
    }

    /// Reads a whole number in `range`.
    pub fn integer<T>(&self, key: &'static str, range: RangeInclusive<T>, need: Need) -> Option<T>
    where
        T: TryFrom<i128> + PartialOrd + Display,
    {
        let value = self.value(key, need)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let in_range = i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|it| T::try_from(it).ok())
            .filter(|it| range.contains(it));
        if in_range.is_none() {
            let (least, most) = range.into_inner();
            let text = format!("{number} is not in {least} to {most}");
            self.problem_at(&value.span(), key, &text);
        }
        in_range
    }

    /// Reads `true` or `false`.
    pub fn boolean(&self, key: &'static str, need: Need) -> Option<bool> {
        let value = self.value(key, need)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    /// Reads a list of texts, each through its `FromStr`.
    pub fn list<T>(&self, key: &'static str, need: Need) -> Option<Vec<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let value = self.value(key, need)?;
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of texts");
            return None;
        };
        let item = |item: &Spanned<DeValue<'_>>| {
            let Some(text) = item.get_ref().as_str() else {
                self.wrong_type(key, item, "a text");
                return None;
            };
            text.parse().map_err(|cause: T::Err| self.problem_at(&item.span(), key, &cause)).ok()
        };
        // Every item is read, so that the problems of all are found.
        let items: Vec<_> = items.iter().map(item).collect();
        items.into_iter().collect()
    }

    /// The table `key`; where it is absent, an empty one in which required keys are reported.
    pub fn section(&self, key: &'static str) -> Self {
        let value = self.value(key, Need::Optional);
        let table = value.and_then(|it| {
            let table = it.get_ref().as_table();
            if table.is_none() {
                self.wrong_type(key, it, "a table");
            }
            table
        });
        let span = value.map_or_else(|| self.span.clone(), Spanned::span);
        let is_mistyped = value.is_some() && table.is_none();
        Self { is_mistyped, ..self.inner(key.to_owned(), span, table) }
    }

    /// Whether `key` is a table, and no text or number.
    #[must_use]
    pub fn is_section(&self, key: &'static str) -> bool {
        self.ask(key).is_some_and(|it| it.get_ref().as_table().is_some())
    }

    /// Whether the table has `key`, which is one that the reader knows.
    #[must_use]
    pub fn has(&self, key: &'static str) -> bool {
        self.ask(key).is_some()
    }

    /// The tables of the list `key`, none where it is absent.
    ///
    /// Problems name each by its `id`, or by its number where it has no well-formed one.
    pub fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.ask(key) else { return Vec::new() };
        let expected = format!("a list of tables, each headed [[{key}]]");
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &expected);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (item, number) in items.iter().zip(1_usize..) {
            match item.get_ref().as_table() {
                Some(table) => {
                    let id = table.get("id").and_then(|id| id.get_ref().as_str());
                    let name = match id.filter(|it| identity::checked(it).is_ok()) {
                        Some(id) => format!("{key}[{id}]"),
                        None => format!("{key}[{number}]"),
                    };
                    sections.push(self.inner(name, item.span(), Some(table)));
                }
                None => self.wrong_type(key, item, &expected),
            }
        }
        sections
    }

    /// The tables of the list `key`; that there is none is a problem, and `what` says what to write.
    pub fn required_sections(&self, key: &'static str, what: &'static str) -> Vec<Self> {
        let items = self.value(key, Need::Required(what)).and_then(|it| it.get_ref().as_array());
        if items.is_some_and(|it| it.is_empty()) {
            self.problem(key, &missing(what));
        }
        self.sections(key)
    }

    /// The line of `key`, from 1, or of the table where it is absent.
    #[must_use]
    pub fn line_of(&self, key: &str) -> usize {
        self.report.line_at(self.span_of(key).start)
    }

    /// Reports a problem of `key`, at its line where it is there, else at the table's.
    pub fn problem(&self, key: &str, text: &impl Display) {
        self.problem_at(&self.span_of(key), key, text);
    }

    /// Reports every key that nobody asked for.
    ///
    /// The root does it by itself; a reader calls it at the end of every other section.
    pub fn refuse_the_rest(&self) {
        let asked = self.asked.borrow();
        for (key, _value) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if !asked.contains(&name) {
                let text = format!("unknown key; known here: {}", asked.join(", "));
                self.problem_at(&key.span(), name, &text);
            }
        }
    }

    fn inner(&self, key: String, span: Range<usize>, table: Option<&'text DeTable<'text>>) -> Self {
        let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
        Self {
            path,
            span,
            table,
            is_mistyped: false,
            asked: RefCell::default(),
            report: Rc::clone(&self.report),
        }
    }

    fn value(&self, key: &'static str, need: Need) -> Option<&'text Spanned<DeValue<'text>>> {
        let value = self.ask(key);
        match need {
            Need::Required(_) | Need::Example(_) if self.is_mistyped => {}
            Need::Required(what) if value.is_none() => self.problem(key, &missing(what)),
            Need::Example(example) if value.is_none() => {
                self.problem(key, &missing(&format!("add it, as in {key} = {example}")));
            }
            Need::Required(_) | Need::Example(_) | Need::Optional => {}
        }
        value
    }

    /// Looks up `key` and remembers that it is one that the reader knows.
    fn ask(&self, key: &'static str) -> Option<&'text Spanned<DeValue<'text>>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table?.get(key)
    }

    fn span_of(&self, key: &str) -> Range<usize> {
        let value = self.table.and_then(|it| it.get(key));
        value.map_or_else(|| self.span.clone(), Spanned::span)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let found = value.get_ref().type_str();
        self.problem_at(&value.span(), key, &format!("expected {expected}, found {found}"));
    }

    fn problem_at(&self, span: &Range<usize>, key: &str, text: &impl Display) {
        let path = match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        };
        self.report.add(span.start, &path, text.to_string());
    }
}

fn missing(what: &str) -> String {
    format!("missing: {what}")
}

#[cfg(test)]
mod tests;

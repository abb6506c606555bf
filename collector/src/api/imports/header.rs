//! Which column says what, and a row as what its columns say.

use serde_json::{Map, Value, json};

use super::{
    columns::{self, Column, Kind},
    file::reader,
};
use crate::{domain::calendar, error::Problem, project::directory::Site};

/// Columns by which a row says which lead it is about.
const BY: &[&str] = &["lead", "match/external_id", "match/ref", "match/phone", "match/email"];

/// A file's header.
pub(super) struct Header {
    names: Vec<String>,
    columns: Vec<Option<&'static Column>>,
}

/// A value that cannot be read: the column, and what it must be.
pub(super) type BadValue = (Option<String>, String);

impl Header {
    /// Reads it.
    ///
    /// # Errors
    /// Columns that say the same, and a column that is missing.
    pub(super) fn read(kind: Kind, text: &str) -> Result<Self, Problem> {
        let mut reader = reader(text);
        let names = reader.headers().map_err(|_| Problem::invalid("The file has no header."))?;
        let names: Vec<String> =
            names.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let columns: Vec<_> = names.iter().map(|name| kind.column(name)).collect();
        for (index, column) in columns.iter().enumerate() {
            let earlier = columns.get(..index).unwrap_or_default();
            if let Some(column) = column
                && earlier.iter().flatten().any(|earlier| earlier.field == column.field)
            {
                let name = names.get(index).cloned().unwrap_or_default();
                let detail = format!("is the second column that says {}", column.field);
                return Err(Problem::invalid_at(name, detail));
            }
        }
        let header = Self { names, columns };
        let some: &[&str] = match kind {
            Kind::Leads => &["email", "phone", "user_id", "ref"],
            Kind::Sales | Kind::Attempts | Kind::Events => BY,
            Kind::Costs => &["source", "campaign"],
        };
        if let Some(fields) =
            needed(kind).iter().chain([&some]).find(|fields| header.of_any(fields).is_none())
        {
            let names = fields.join(" or ").replace("match/", "");
            return Err(Problem::invalid_at(
                "header",
                format!("must have the column {names}, by its English or Spanish name"),
            ));
        }
        Ok(header)
    }

    /// Columns that say nothing.
    pub(super) fn ignored(&self, kind: Kind, site: &Site) -> Vec<String> {
        let is_kept = |name: &String| match kind {
            Kind::Leads => site.config.lead_fields.contains(name),
            Kind::Events => property(name).is_some(),
            _ => false,
        };
        let ignored =
            self.names.iter().zip(&self.columns).filter(|(name, column)| column.is_none() && !is_kept(name));
        ignored.map(|(name, _)| name.clone()).collect()
    }

    /// A row as the body of a request.
    ///
    /// # Errors
    /// A value that cannot be read, or is missing.
    pub(super) fn row(&self, kind: Kind, site: &Site, record: &csv::StringRecord) -> Result<Value, BadValue> {
        let mut fields = Map::new();
        let mut extra = Map::new();
        let zone = calendar::zone(&site.config.timezone);
        let currency = self.value(record, "currency").unwrap_or(&site.config.currency).to_owned();
        for needed in needed(kind) {
            if needed.iter().all(|field| self.value(record, field).is_none()) {
                return Err((self.of_any(needed).map(str::to_owned), "is missing".to_owned()));
            }
        }
        for ((value, column), name) in record.iter().zip(&self.columns).zip(&self.names) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let Some(column) = column else {
                extra.insert(name.clone(), json!(value));
                continue;
            };
            let read = columns::read(column.read, value, &currency, &zone);
            let read = read.map_err(|detail| (Some(name.clone()), detail))?;
            match body_field(column).split_once('/') {
                None => drop(fields.insert(body_field(column).to_owned(), read)),
                Some((outer, inner)) => {
                    let place = fields.entry(outer).or_insert_with(|| json!({}));
                    if let Some(place) = place.as_object_mut() {
                        place.insert(inner.to_owned(), read);
                    }
                }
            }
        }
        let mut default = |field: &str, value: Value| {
            fields.entry(field).or_insert(value);
        };
        match kind {
            Kind::Leads => {
                default("kind", json!("import"));
                default("fields", Value::Object(extra));
            }
            Kind::Sales | Kind::Costs => default("currency", json!(site.config.currency)),
            Kind::Attempts => {}
            Kind::Events => {
                let props = fields.entry("props").or_insert_with(|| json!({}));
                if let Some(props) = props.as_object_mut() {
                    for (name, value) in extra {
                        if let Some(name) = property(&name) {
                            props.entry(name).or_insert(value);
                        }
                    }
                }
            }
        }
        Ok(Value::Object(fields))
    }

    /// The column that says what a pointer into the body names.
    pub(super) fn named(&self, pointer: &str) -> Option<String> {
        let pointer = pointer.trim_start_matches('/');
        let names = |column: &&'static Column| {
            let field = body_field(column);
            field == pointer || column.field == pointer || pointer.starts_with(&format!("{field}/"))
        };
        let index = self.columns.iter().position(|column| column.as_ref().is_some_and(names));
        let by_name = || {
            let name = pointer.strip_prefix("props/")?;
            self.names.iter().position(|column| property(column) == Some(name))
        };
        self.names.get(index.or_else(by_name)?).cloned()
    }

    /// The first column that says one of these.
    fn of_any(&self, fields: &[&str]) -> Option<&str> {
        let is_one = |column: &Option<&Column>| column.is_some_and(|column| fields.contains(&column.field));
        let index = self.columns.iter().position(is_one)?;
        self.names.get(index).map(String::as_str)
    }

    fn value<'r>(&self, record: &'r csv::StringRecord, field: &str) -> Option<&'r str> {
        let index =
            self.columns.iter().position(|column| column.is_some_and(|column| column.field == field))?;
        record.get(index).map(str::trim).filter(|value| !value.is_empty())
    }
}

/// The property that a column is of: those of events are called `prop.` and their name. What is not called so is not
/// kept: nobody has said that it is not personal.
fn property(column: &str) -> Option<&str> {
    let name = column.get(..5).filter(|prefix| prefix.eq_ignore_ascii_case("prop."))?;
    column.get(name.len()..).map(str::trim).filter(|name| !name.is_empty())
}

/// What every row must say, each by one of these columns.
const fn needed(kind: Kind) -> &'static [&'static [&'static str]] {
    match kind {
        Kind::Leads => &[&["external_id"]],
        Kind::Sales => &[&["external_id"], &["amount", "amount_minor"]],
        Kind::Attempts => &[&["external_id"], &["outcome"]],
        Kind::Costs => &[&["day"], &["cost", "cost_minor"]],
        Kind::Events => &[&["external_id"], &["kind"]],
    }
}

/// What a column's value is called in the body of a request.
fn body_field(column: &Column) -> &'static str {
    column.field.strip_suffix("_minor").unwrap_or(column.field)
}

//! Lists as tables: RFC 4180 in UTF-8, for spreadsheets and whatever else reads those.
//!
//! Columns are named beforehand, by the paths of their values in the JSON, so every page of a list has the same ones.
//! Of what has no place in a table, only the next page is told, as `Link: <…>; rel="next"`.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::Problem;

/// A table of some items; a column is a path such as `contact.name`.
///
/// # Errors
/// 500 where it cannot be written.
pub fn table(columns: &[impl AsRef<str>], items: &[Value]) -> Result<Vec<u8>, Problem> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(columns.iter().map(AsRef::as_ref)).map_err(Problem::internal)?;
    for item in items {
        let cells = columns.iter().map(|column| cell(at(item, column.as_ref())));
        out.write_record(cells.map(Cow::into_owned)).map_err(Problem::internal)?;
    }
    out.into_inner().map_err(Problem::internal)
}

fn at<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(item, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// A value in a cell: nothing for null, several with `;` between them, an object as JSON.
fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => harmless(text),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let texts: Vec<_> = items.iter().map(cell).collect();
            Cow::Owned(texts.join(";"))
        }
        other => Cow::Owned(other.to_string()),
    }
}

/// What a visitor wrote, so that no spreadsheet takes it for a formula: what begins as one gets an apostrophe before it,
/// as spreadsheets do it themselves. A telephone number is no formula.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || b" .".contains(&byte));
    let is_formula = match text.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r' | b'\n') => true,
        Some(b'+' | b'-') => !is_number(&text[1..]),
        _ => false,
    };
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_finds_its_cell() {
        let items = [
            json!({"id": "l_1", "origin": {"first": {"source": "a,\"b\"\nc"}}, "flags": ["test", "x"], "n": 3, "ok": true}),
            json!({"id": "ñ", "origin": null, "flags": [], "fields": {"cp": "28001"}, "odd": [{"a": 1}]}),
        ];
        let columns = ["id", "origin.first.source", "flags", "n", "ok", "fields", "odd"];
        let text = String::from_utf8(table(&columns, &items).unwrap()).unwrap();
        let expected = "id,origin.first.source,flags,n,ok,fields,odd\r\n\
                        l_1,\"a,\"\"b\"\"\nc\",test;x,3,true,,\r\n\
                        ñ,,,,,\"{\"\"cp\"\":\"\"28001\"\"}\",\"[{\"\"a\"\":1}]\"\r\n";
        assert_eq!(text, expected);
        assert_eq!(
            table(&columns, &[]).unwrap(),
            expected.split_inclusive("\r\n").next().unwrap().as_bytes()
        );
    }

    #[test]
    fn nothing_becomes_a_formula_and_telephone_numbers_stay() {
        for (text, expected) in [
            ("=HYPERLINK(\"https://example.org\")", "'=HYPERLINK(\"https://example.org\")"),
            ("@SUM(1)", "'@SUM(1)"),
            ("+1+cmd", "'+1+cmd"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("+34600000000", "+34600000000"),
            ("-7.5", "-7.5"),
            ("Ana = Eva", "Ana = Eva"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), expected);
            assert_eq!(cell(&json!([text])), expected);
        }
    }
}

//! What the columns of a file are called, in English and in Spanish, and how their values are read.

use jiff::{civil::DateTime, fmt::strtime, tz::TimeZone};
use serde_json::{Value, json};

use crate::domain::currency;

/// How a column's values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// As they are.
    Text,
    /// In lower case, by the names of either language.
    Name(&'static [(&'static str, &'static str)]),
    /// A whole number.
    Whole,
    /// Money with decimals, which becomes minor units.
    Money,
    /// A moment: milliseconds, RFC 3339, or a date and perhaps a time of the site's.
    Moment,
    /// A day.
    Day,
    /// Several names, with spaces, commas, semicolons or bars between them.
    List,
}

/// A column that a kind of file may have.
#[derive(Debug)]
pub struct Column {
    /// What the API calls it; a path, where it is part of something.
    pub field: &'static str,
    /// How its values are read.
    pub read: Read,
    /// What else it is called: lower case, without accents, with single spaces.
    pub also: &'static [&'static str],
}

const fn column(field: &'static str, read: Read, also: &'static [&'static str]) -> Column {
    Column { field, read, also }
}

const KINDS: Read = Read::Name(&[
    ("formulario", "form"),
    ("llamada", "call"),
    ("te llamamos", "callback"),
    ("correo", "email"),
    ("importacion", "import"),
    ("formulario de plataforma", "platform_form"),
]);

const OUTCOMES: Read = Read::Name(&[
    ("intento", "attempted"),
    ("intentado", "attempted"),
    ("no contesta", "no_answer"),
    ("no answer", "no_answer"),
    ("sin respuesta", "no_answer"),
    ("contactado", "contacted"),
    ("contestado", "contacted"),
]);

const AT: Column =
    column("at", Read::Moment, &["date", "time", "created at", "fecha", "hora", "fecha y hora", "momento"]);
const ID: &[&str] = &["external id", "id", "id externo", "identificador"];
const EVENT_ID: &[&str] = &["external id", "id", "id externo", "event id", "id evento"];

/// Columns that say which lead a row is about.
const MATCH: [Column; 5] = [
    column("lead", Read::Text, &["lead id", "id lead", "id del lead"]),
    column(
        "match/external_id",
        Read::Text,
        &["lead external id", "lead ext", "crm id", "id crm", "id externo del lead"],
    ),
    column("match/ref", Read::Text, &["ref", "reference", "referencia"]),
    column("match/phone", Read::Text, &["phone", "telefono", "tel", "movil", "celular", "whatsapp"]),
    column("match/email", Read::Text, &["email", "e mail", "mail", "correo", "correo electronico"]),
];

const LEADS: &[Column] = &[
    column("kind", KINDS, &["tipo", "type"]),
    column("name", Read::Text, &["nombre", "full name", "nombre completo"]),
    column("email", Read::Text, &["e mail", "mail", "correo", "correo electronico"]),
    column("phone", Read::Text, &["telefono", "tel", "movil", "celular", "whatsapp"]),
    column("user_id", Read::Text, &["user id", "usuario", "id de usuario"]),
    column("visitor", Read::Text, &["visitante"]),
    column("ref", Read::Text, &["reference", "referencia"]),
    AT,
    column("consent/purposes", Read::List, &["consent", "purposes", "consentimiento", "finalidades"]),
    column("consent/text_version", Read::Text, &["text version", "version del texto"]),
    column("external_id", Read::Text, ID),
];

const SALES: &[Column] = &[
    column("amount", Read::Money, &["importe", "monto", "valor", "total"]),
    column("amount_minor", Read::Whole, &["amount minor", "importe en centimos", "centimos"]),
    column("currency", Read::Text, &["moneda", "divisa"]),
    AT,
    column(
        "external_id",
        Read::Text,
        &["external id", "id", "id externo", "sale id", "id venta", "order id", "pedido"],
    ),
    column("refund_of", Read::Text, &["refund of", "devolucion de", "reembolso de"]),
];

const ATTEMPTS: &[Column] = &[
    column("outcome", OUTCOMES, &["resultado"]),
    column("agent", Read::Text, &["agente", "operador"]),
    column("disposition", Read::Text, &["disposicion", "tipificacion"]),
    column("product", Read::Text, &["producto"]),
    column("objection", Read::Text, &["objecion"]),
    AT,
    column("external_id", Read::Text, &["external id", "id", "id externo", "call id", "id llamada"]),
];

const COSTS: &[Column] = &[
    column("day", Read::Day, &["date", "dia", "fecha"]),
    column("source", Read::Text, &["utm source", "fuente", "origen"]),
    column("medium", Read::Text, &["utm medium", "medio"]),
    column("campaign", Read::Text, &["utm campaign", "campana"]),
    column("campaign_id", Read::Text, &["campaign id", "id de campana"]),
    column("content", Read::Text, &["utm content", "contenido", "anuncio"]),
    column("term", Read::Text, &["utm term", "termino", "palabra clave"]),
    column("cost", Read::Money, &["spend", "coste", "costo", "gasto", "importe"]),
    column("cost_minor", Read::Whole, &["cost minor", "coste en centimos"]),
    column("currency", Read::Text, &["moneda", "divisa"]),
    column("impressions", Read::Whole, &["impresiones"]),
    column("clicks", Read::Whole, &["clics"]),
    column("platform_conversions", Read::Whole, &["platform conversions", "conversions", "conversiones"]),
];

const EVENTS: &[Column] = &[
    column(
        "kind",
        Read::Name(&[
            ("correo enviado", "email_sent"),
            ("correo rebotado", "email_bounced"),
            ("correo abierto", "email_opened"),
            ("clic en correo", "email_clicked"),
            ("encuesta", "survey_response"),
            ("webinar", "webinar_attended"),
            ("boletin", "newsletter_joined"),
            ("resumen de llamada", "call_summary"),
            ("otro", "custom"),
        ]),
        &["tipo", "type", "event", "evento"],
    ),
    AT,
    column("external_id", Read::Text, EVENT_ID),
    column("props/message", Read::Text, &["message", "message id", "mensaje", "id mensaje"]),
    column("props/campaign", Read::Text, &["campaign", "utm campaign", "campana"]),
    column("props/link", Read::Text, &["link", "enlace"]),
    column("props/score", Read::Whole, &["score", "nps", "puntuacion"]),
    column("props/comment", Read::Text, &["comment", "comentario"]),
    column("props/summary", Read::Text, &["summary", "resumen"]),
    column("props/text", Read::Text, &["text", "texto"]),
    column("props/agent", Read::Text, &["agent", "agente", "operador"]),
];

/// What a file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Leads.
    Leads,
    /// Sales and refunds.
    Sales,
    /// Attempts to reach leads.
    Attempts,
    /// What was spent.
    Costs,
    /// What happened elsewhere.
    Events,
}

impl Kind {
    /// By its name in the path.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "leads" => Some(Self::Leads),
            "sales" => Some(Self::Sales),
            "attempts" => Some(Self::Attempts),
            "costs" => Some(Self::Costs),
            "events" => Some(Self::Events),
            _ => None,
        }
    }

    /// Every column that it may have.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        let (own, by_match): (&[Column], &[Column]) = match self {
            Self::Leads => (LEADS, &[]),
            Self::Sales => (SALES, &MATCH),
            Self::Attempts => (ATTEMPTS, &MATCH),
            Self::Costs => (COSTS, &[]),
            Self::Events => (EVENTS, &MATCH),
        };
        own.iter().chain(by_match)
    }

    /// The column that a header names.
    #[must_use]
    pub fn column(self, header: &str) -> Option<&'static Column> {
        let plain = plain(header);
        let is_named = |column: &&Column| {
            column.field.replace(['_', '/'], " ") == plain || column.also.contains(&plain.as_str())
        };
        self.columns().find(is_named)
    }
}

/// A header in lower case, without accents, and with single spaces for whatever stands between its words.
fn plain(header: &str) -> String {
    let letters = header.trim().trim_start_matches('\u{feff}').to_lowercase();
    let letters: String = letters
        .chars()
        .map(|letter| match letter {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            letter if letter.is_alphanumeric() => letter,
            _ => ' ',
        })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a value, which is not blank.
///
/// # Errors
/// What it must be.
pub fn read(how: Read, text: &str, currency: &str, zone: &TimeZone) -> Result<Value, String> {
    let text = text.trim();
    match how {
        Read::Text => Ok(json!(text)),
        Read::Name(names) => {
            let plain = plain(text);
            let known = names.iter().find(|(name, _)| *name == plain).map(|(_, name)| *name);
            Ok(json!(known.map_or_else(|| text.to_lowercase(), str::to_owned)))
        }
        Read::Whole => text.parse::<i64>().map(|number| json!(number)).map_err(|_| "must be a whole number".to_owned()),
        Read::Money => minor(text, currency).map(|minor| json!(minor)),
        Read::Moment => moment(text, zone).map(|at| json!(at)).ok_or_else(|| {
            "must be a date such as 2026-11-22 or 22/11/2026, with a time if need be, RFC 3339, or milliseconds".to_owned()
        }),
        Read::Day => day(text).map(|day| json!(day)).ok_or_else(|| "must be a day such as 2026-11-22".to_owned()),
        Read::List => {
            let names = text.split([' ', ',', ';', '|']).filter(|name| !name.is_empty());
            Ok(json!(names.collect::<Vec<_>>()))
        }
    }
}

/// Money as people write it, in minor units: `1.234,56`, `1,234.56`, `1234`, `-12,5`. One mark before three digits may be
/// either, so it is asked about.
fn minor(text: &str, code: &str) -> Result<i64, String> {
    let decimals = currency::decimals(code) as usize;
    let example = currency::written(123_456, code);
    let wrong = || format!("must be an amount such as {example}");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let is_noise = |letter: char| letter.is_whitespace() || "€$£".contains(letter);
    let digits: String = digits.chars().filter(|letter| !is_noise(*letter)).collect();
    let (whole, part) = match digits.rfind(['.', ',']) {
        None => (digits.as_str(), ""),
        Some(at) => {
            let (whole, part) =
                (digits.get(..at).unwrap_or_default(), digits.get(at + 1..).unwrap_or_default());
            let mark = digits.get(at..=at).unwrap_or_default();
            let (is_repeated, is_alone) = (whole.contains(mark), !whole.contains(['.', ',']));
            if is_alone && part.len() == 3 && decimals != 0 && decimals != 3 {
                return Err(format!("may be thousands or decimals: write {example}"));
            }
            if is_repeated || decimals == 0 { (digits.as_str(), "") } else { (whole, part) }
        }
    };
    let mut marks = whole.chars().filter(|letter| !letter.is_ascii_digit());
    let first = marks.next();
    let groups: Vec<&str> = whole.split(['.', ',']).collect();
    let is_grouped = marks.all(|mark| Some(mark) == first)
        && groups.iter().skip(1).all(|group| group.len() == 3)
        && (groups.len() == 1 || groups.first().is_some_and(|group| (1..=3).contains(&group.len())));
    let number = groups.concat();
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_grouped || number.is_empty() || !is_plain(&number) || !is_plain(part) || part.len() > decimals {
        return Err(wrong());
    }
    format!("{number}{part:0<decimals$}").parse::<i64>().map(|minor| sign * minor).map_err(|_| wrong())
}

/// A moment, in ms since the epoch.
fn moment(text: &str, zone: &TimeZone) -> Option<i64> {
    if let Some(at) = crate::api::query::time(text, 0).filter(|_| !text.starts_with('-')) {
        return Some(at);
    }
    let formats = [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d",
        "%d/%m/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%d/%m/%Y",
        "%d-%m-%Y",
    ];
    let local = formats.iter().find_map(|format| {
        let parsed = strtime::parse(format, text).ok()?;
        parsed.to_datetime().ok().or_else(|| parsed.to_date().ok().map(DateTime::from))
    })?;
    Some(zone.to_timestamp(local).ok()?.as_millisecond())
}

/// A day as the API writes it.
fn day(text: &str) -> Option<String> {
    let date = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"]
        .iter()
        .find_map(|format| strtime::parse(format, text).ok()?.to_date().ok())?;
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar;

    #[test]
    fn a_column_is_known_by_its_names_in_either_language() {
        let cases = [
            (Kind::Leads, "Teléfono", Some("phone")),
            (Kind::Leads, " external_id ", Some("external_id")),
            (Kind::Leads, "External ID", Some("external_id")),
            (Kind::Leads, "\u{feff}correo electrónico", Some("email")),
            (Kind::Sales, "correo", Some("match/email")),
            (Kind::Sales, "match.external_id", Some("match/external_id")),
            (Kind::Sales, "Importe", Some("amount")),
            (Kind::Attempts, "Resultado", Some("outcome")),
            (Kind::Costs, "Campaña", Some("campaign")),
            (Kind::Events, "Evento", Some("kind")),
            (Kind::Events, "Puntuación", Some("props/score")),
            (Kind::Events, "Correo", Some("match/email")),
            (Kind::Costs, "cumpleaños", None),
        ];
        for (kind, header, field) in cases {
            assert_eq!(kind.column(header).map(|column| column.field), field, "{header}");
        }
        for kind in [Kind::Leads, Kind::Sales, Kind::Attempts, Kind::Costs, Kind::Events] {
            let mut names: Vec<String> = kind
                .columns()
                .flat_map(|column| {
                    column
                        .also
                        .iter()
                        .map(|name| (*name).to_owned())
                        .chain([column.field.replace(['_', '/'], " ")])
                })
                .collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            let twice = count - names.len();
            // A column's own name may stand among its others.
            assert!(
                twice
                    <= kind
                        .columns()
                        .filter(|column| column.also.contains(&column.field.replace('_', " ").as_str()))
                        .count(),
                "{kind:?}: {names:?}"
            );
        }
    }

    #[test]
    fn money_is_read_as_either_language_writes_it() {
        let cases = [
            ("1234", "EUR", Some(123_400)),
            ("1.234,56", "EUR", Some(123_456)),
            ("1,234.56", "EUR", Some(123_456)),
            ("1234,5", "EUR", Some(123_450)),
            ("-12,50 €", "EUR", Some(-1_250)),
            ("1.234.567,89", "EUR", Some(123_456_789)),
            ("1.234.567", "EUR", Some(123_456_700)),
            ("1.234", "EUR", None),
            ("1,234", "EUR", None),
            ("12.34.56", "EUR", None),
            ("12,345,6", "EUR", None),
            ("12.345", "JPY", Some(12_345)),
            ("500", "JPY", Some(500)),
            ("1.234", "KWD", Some(1_234)),
            ("doce", "EUR", None),
            ("", "EUR", None),
            (",", "EUR", None),
            ("99999999999999999999", "EUR", None),
        ];
        for (text, code, expected) in cases {
            assert_eq!(minor(text, code).ok(), expected, "{text} {code}");
        }
    }

    #[test]
    fn moments_without_a_zone_are_the_site_s() {
        let madrid = calendar::zone("Europe/Madrid");
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let cases = [
            ("1795310400000", Some(1_795_310_400_000)),
            ("2026-11-22T01:20:00Z", Some(at("2026-11-22T01:20:00Z"))),
            ("2026-11-22", Some(at("2026-11-21T23:00:00Z"))),
            ("2026-11-22 02:20", Some(at("2026-11-22T01:20:00Z"))),
            ("22/11/2026 02:20:30", Some(at("2026-11-22T01:20:30Z"))),
            ("22/11/2026", Some(at("2026-11-21T23:00:00Z"))),
            ("31/02/2026", None),
            ("-7d", None),
            ("ayer", None),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text, &madrid), expected, "{text}");
        }
        assert_eq!(day("01/03/2026").as_deref(), Some("2026-03-01"));
    }
}

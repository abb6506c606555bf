//! What is stored is the same whether the core decided in the page, or the loader alone sent raw what the collector
//! then judged: on twelve thousand addresses, links, texts and forms, with personal data planted in them.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use collector::ingest::accept::Judge;
use serde::Deserialize;
use serde_json::{Value, json, value::to_raw_value};
use wire::{
    beacon::Mode,
    redact::{self, Rules},
};

const NOW: i64 = 1_795_310_400_000;
const COUNT: u64 = 12_000;

/// What must be stored nowhere, and leave no page.
const PLANTED: &str = "plantado";

const HOSTS: [&str; 14] = [
    "https://example.com",
    "https://www.example.com:8443",
    "http://example.org",
    "https://plantado:plantado@example.com",
    "//example.net",
    "HTTPS://Example.COM",
    "https://tienda.example",
    "https://peña.example",
    "https://[::1]:80",
    "",
    "",
    ".",
    "https:\\\\example.com",
    "android-app://com.example.app",
];
const STEPS: [&str; 28] = [
    "/",
    "/precios",
    "/a//b",
    "/folleto.pdf",
    "/plantado@example.com",
    "/plantado%40example.com/pedido",
    "/de-plantado%2540example.com-para",
    "/(plantado@example.com)",
    "/plantado.uno+dos@mail.example.co.uk.",
    "/plantado_ñ@españa.example",
    "/@usuario",
    "/@usuario/foto@2x",
    "/tel-600000000",
    "/600-000-000",
    "/2026-11-23-600-000-000",
    "/a%20b",
    "/%",
    "/100%",
    "/%zz%40",
    "/a=b&c",
    "\\otra",
    "/ñandú 日本",
    "/+34-600-000-000",
    "/600%20000%20000",
    "/movil-123456789012",
    "/ref-123-456-789a",
    "/978-84-376-0494-7",
    "/+34600000000/600000000",
];
const KEYS: [&str; 30] = [
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "UTM_TERM",
    "utm_id",
    "utm_",
    "utm_source_platform",
    "gclid",
    "GCLID",
    "fbclid",
    "msclkid",
    "gad_source",
    "_gl",
    "mc_eid",
    "ScCid",
    "igsh",
    "hsa_cam",
    "_hsenc",
    "xclid",
    "pedido",
    "ref",
    "correo",
    "nombre",
    "telefono",
    "token",
    "q",
    "",
    "amp;utm_content",
    "amp;amp;gbraid",
    "a[]",
];
/// Values for keys that may be kept.
const VALUES: [&str; 20] = [
    "",
    "google",
    "oto%C3%B1o",
    "a+b",
    "a%20b",
    "EAIaIQobChMI_x-1",
    "{gclid}",
    "plantado@example.com",
    "plantado%40example.com",
    "x%2540plantado%2540example.com",
    "plantado@example.com/plantado%40example.com/fin",
    "https://example.org/?correo=plantado@example.com",
    "600000000",
    "%2B34600000000",
    "600 000 000",
    "tel:600000000",
    "a=b=c",
    "a?b",
    "%",
    "café",
];
const FRAGMENTS: [&str; 18] = [
    "",
    "",
    "",
    "#",
    "#precios",
    "#a&b",
    "#/ruta/1",
    "#!/ruta",
    "#plantado@example.com",
    "#/plantado%40example.com/x",
    "#utm_source=hash&correo=plantado@example.com",
    "#/ruta?utm_source=ruta&nombre=plantado",
    "#access_token=plantado",
    "#gclid=g1",
    "#:~:text=plantado",
    "#x#y",
    "#correo=plantado&gclid",
    "#nombre=plantado&fbclid=f1&utm_term",
];
const LINKS: [&str; 40] = [
    "tel:+34600000000",
    "TEL:600 000 000",
    "tel:%2B34600000000",
    " tel:900100200",
    "tel:llamar",
    "callto:+34600000000",
    "facetime-audio:+34600000000",
    "sms:+34600000000?body=plantado",
    "sms:+34600000000;body=plantado",
    "sms:+34600000000&body=plantado",
    "smsto:600000000",
    "mailto:info@example.com",
    "mailto:info@example.com?subject=plantado&cc=plantado@example.com",
    "mailto:?to=info@example.com&body=plantado",
    "MAILTO:info%40example.com",
    "https://wa.me/34600000000",
    "https://wa.me/34600000000?text=plantado",
    "https://api.whatsapp.com/send?phone=34600000000&text=plantado",
    "https://api.whatsapp.com/send/?text=plantado&phone=%2B34600000000",
    "https://web.whatsapp.com/send?phone=34600000000",
    "whatsapp://send?phone=34600000000&text=plantado",
    "https://chat.whatsapp.com/AbCdEf",
    "https://m.me/example?ref=plantado",
    "https://www.messenger.com/t/example",
    "https://www.facebook.com/messages/t/example",
    "fb-messenger://user-thread/123",
    "https://t.me/example",
    "https://t.me/+34600000000",
    "tg://resolve?domain=example",
    "viber://chat?number=%2B34600000000",
    "https://signal.me/#p/+34600000000",
    "https://signal.group/#CjQKIAbc",
    "https://line.me/R/ti/p/@example",
    "https://page.line.me/example",
    "https://lin.ee/AbCdEf",
    "https://zalo.me/34600000000",
    "skype:example?call",
    "javascript:enviar('plantado@example.com')",
    "data:text/plain,plantado",
    "",
];
const TEXTS: [&str; 38] = [
    "",
    "Llamar gratis",
    "Escribe a plantado@example.com",
    "Escribe a (plantado@example.com), o no.",
    "plantado@example.com.",
    "Pedido de «plantado.uno@example.com» del 23-11-2026",
    "plantado%40example.com",
    "a/plantado%40example.com b/c",
    "plantado@plantado@example.com",
    "señor.plantadoñ@españa.es",
    "Síguenos: @usuario",
    "foto@2x",
    "un@b",
    "uno@ejemplo.c",
    "a @ b.com",
    "100 % algodón",
    "50%40",
    "%40media",
    "Llama al 600 000 000",
    "Tel. 91 555 01 23 o +34 600 000 000",
    "ISBN 978-84-376-0494-7",
    "1.234,56 €",
    "日本語 plantado@example.jp 日本",
    "…@example.com",
    "Pedido de 23-11-2026 (91) 555-01-23",
    "2026-11-23-600-000-000",
    "Precio: $600 000 000",
    "600.000.000 € o 600.000.000 EUR",
    "01 23 45 67 89, no 36 37 38 39 40",
    "123456789012 y 1234567890123",
    "0034600000000",
    "Móvil 123456789012345",
    "123456.789123",
    "123e4567-e89b-12d3-a456-426614174000 600 000 000",
    "00123456-0000-0000-0000-123456789012",
    "600\u{a0}000\u{a0}000 ñ 600 – 000 000",
    "%2B34%20600%20000%20000/fin",
    "(+34) 600/000/000/600000000",
];

/// Numbers that look random and are always the same ones.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    fn address(&mut self) -> String {
        let mut url = self.pick(&HOSTS).to_owned();
        for _ in 0..self.roll(4) {
            url.push_str(self.pick(&STEPS));
        }
        for n in 0..self.roll(6) {
            url.push(if n == 0 { '?' } else { '&' });
            let key = self.pick(&KEYS);
            let value = self.pick(&VALUES);
            match self.roll(8) {
                0 => url.push_str(key),
                _ => write!(url, "{key}={value}").unwrap(),
            }
        }
        url.push_str(self.pick(&FRAGMENTS));
        url
    }

    fn text(&mut self) -> String {
        let mut text = self.pick(&TEXTS).to_owned();
        if self.roll(2) == 0 {
            text.push(' ');
            text.push_str(self.pick(&TEXTS));
        }
        text
    }

    fn event(&mut self, n: u64) -> Value {
        let mut event = json!({"id": format!("p{n}-2"), "page": format!("p{n}"), "at": NOW});
        let more = match self.roll(6) {
            0 | 1 => json!({"kind": "page_view", "url": self.address(), "referrer": self.address(),
                            "title": self.text()}),
            2 | 3 => {
                let link = self.roll(2) == 0;
                let href = if link { self.pick(&LINKS).to_owned() } else { self.address() };
                json!({"kind": "click", "target": "a", "href": href, "text": self.text()})
            }
            4 => {
                let kind = self.pick(&["form_start", "form_submit", "form_abandon", "form_error"]).to_owned();
                let mut form =
                    json!({"kind": kind, "form": "presupuesto", "field": "email", "fields_filled": 2});
                if kind == "form_submit" {
                    form["lead"] = json!({"kind": "form", "email": "lead@example.com", "name": self.text(),
                                          "fields": {"mensaje": self.text()}});
                }
                form
            }
            _ => json!({"kind": "custom", "name": "aviso",
                        "props": {"nota": self.text(), "veces": 3, "url": self.text(), "si": true}}),
        };
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }
}

/// What a page lets leave of one line.
#[derive(Deserialize)]
struct Left {
    /// Without the core.
    raw: Value,
    /// With it.
    judged: Value,
    /// Whether the page would ask for it.
    doubtful: bool,
}

/// What a page lets leave of each line.
fn left(lines: &str) -> Vec<Left> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node")
        .arg(root.join("api/raw.mjs"))
        .arg(root.join("../tracker-wasm/js/raw.js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}; run `.ci/setup build`"));
    node.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let out = node.wait_with_output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lets the core decide where it was asked to.
fn decide(value: &mut Value) {
    match value {
        Value::String(text) => {
            while let Some((before, rest)) = text.split_once(['\u{1}', '\u{2}']) {
                let (asked, after) = rest.split_once('\u{3}').unwrap();
                let written = text.as_bytes()[before.len()] == 2;
                let cut = if written { redact::text(asked) } else { redact::part(asked) };
                *text = format!("{before}{cut}{after}");
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(decide),
        Value::Array(items) => items.iter_mut().for_each(decide),
        _ => {}
    }
}

#[test]
fn what_is_stored_is_the_same_with_the_core_and_without() {
    let keys = ["pedido".to_owned()];
    let own = ["example.com".to_owned()];
    let mut dice = Dice(7);
    let mut lines = String::new();
    let mut cases = Vec::new();
    for n in 0..COUNT {
        let full = dice.roll(2) == 0;
        let anonymous_utm = dice.roll(2) == 0;
        let event = dice.event(n);
        let config = json!({"keys": keys, "anonymous_utm": anonymous_utm});
        writeln!(lines, "{}", json!({"event": event, "full": full, "config": config})).unwrap();
        cases.push((event, if full { Mode::Full } else { Mode::Anonymous }, anonymous_utm));
    }
    let left = left(&lines);
    assert_eq!(left.len(), cases.len());
    let (mut stored, mut plain) = (0, 0);
    let mut wrong = Vec::new();
    for (Left { raw, judged: mut core, doubtful }, (event, mode, anonymous_utm)) in
        left.into_iter().zip(cases)
    {
        let rules = Rules { mode, query_keys: &keys, anonymous_utm };
        decide(&mut core);
        let judge = Judge { rules, own: &own, shift: 0, received_at: NOW };
        let outcome = |event: &Value| match judge.judge(&to_raw_value(event).unwrap()) {
            Ok(valid) => serde_json::to_value(&valid.event).unwrap(),
            Err(rejected) => json!({"rejected": rejected.reject.detail}),
        };
        let (by_core, by_loader) = (outcome(&core), outcome(&raw));
        if by_core != by_loader {
            wrong.push(format!("{event}\n  {mode:?}, by the core: {by_core}\n  by the loader: {by_loader}"));
        }
        stored += u64::from(by_core.get("rejected").is_none());
        plain += u64::from(!doubtful);
        // Without a lead, whose telephone numbers are there to be called.
        let cuts = |event: &Value| {
            let mut event = event.clone();
            event.as_object_mut().unwrap().remove("lead");
            event.to_string().matches('…').count()
        };
        if cuts(&raw) < cuts(&by_loader) {
            let what = if doubtful { "travels" } else { "wants the core" };
            wrong.push(format!("{event}\n  {mode:?}, {what}: {raw}\n  {by_loader}"));
        }
        // What a visitor writes into a lead is theirs to send; a hand that the page leaves as it is.
        let mut sent = [raw, core, by_core, by_loader];
        for seen in &mut sent {
            seen.as_object_mut().unwrap().remove("lead");
            if seen.to_string().contains(PLANTED) {
                wrong.push(format!("{event}\n  {mode:?}, planted data travels: {seen}"));
            }
        }
    }
    let some: Vec<_> = wrong.iter().take(12).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {COUNT} differ:\n{}", wrong.len(), some.join("\n"));
    assert!(stored > COUNT * 9 / 10, "only {stored} of {COUNT} are fit to be stored at all");
    assert!((COUNT / 10..COUNT * 9 / 10).contains(&plain), "{plain} of {COUNT} go without the core");
}

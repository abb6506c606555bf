//! What is cut from URLs and texts, and what is not.

use proptest::prelude::*;
use wire::{
    beacon::Mode,
    redact::{Rules, text, url},
};

fn own_keys() -> Vec<String> {
    vec!["producto".to_owned(), "q".to_owned()]
}

fn rules(keys: &[String], mode: Mode, anonymous_utm: bool) -> Rules<'_> {
    Rules { mode, query_keys: keys, anonymous_utm }
}

fn full(source: &str) -> String {
    url(source, rules(&own_keys(), Mode::Full, true))
}

#[test]
fn queries_keep_what_is_allowed() {
    for (source, expected) in [
        (
            "https://example.com/a?utm_source=x&name=Ana&gclid=Cj0_-&producto=7",
            "https://example.com/a?utm_source=x&gclid=Cj0_-&producto=7",
        ),
        ("https://example.com/?email=ana@example.com", "https://example.com/"),
        ("https://example.com/?", "https://example.com/"),
        ("?pagina=2", "?"),
        ("?pagina=2#precios", "?#precios"),
        ("/a?UTM_Source=x&Producto=7&GCLID=1", "/a?UTM_Source=x"),
        ("/a?utm%5Fsource=x&%75tm_medium=y", "/a?utm%5Fsource=x&%75tm_medium=y"),
        ("/a?x=1&amp;utm_source=y&amp;token=z", "/a?utm_source=y"),
        ("/a?utm_a%40example.com=1&utm_=2", "/a"),
        ("/a?gclid=&fbclid", "/a"),
        ("/a?&gclid= &", "/a"),
        ("/#/ruta?token=1&utm_source=x", "/#/ruta?utm_source=x"),
        ("/#/ruta?token=1", "/#/ruta"),
        ("/#access_token=1&id_token=2", "/#"),
        ("/#utm_source=x&token=1", "/#utm_source=x"),
        ("/#precios", "/#precios"),
        ("/a ?x=1", "/a"),
        ("  https://example.com/a\n b ", "https://example.com/a b"),
    ] {
        assert_eq!(full(source), expected, "{source}");
    }
}

#[test]
fn anonymous_keeps_utm_and_the_kind_of_click_ids() {
    let source = "https://example.com/a?utm_source=x&gclid=Cj0&producto=7&fbclid&q=z#/r?msclkid=1";
    let keys = own_keys();
    assert_eq!(
        url(source, rules(&keys, Mode::Anonymous, true)),
        "https://example.com/a?utm_source=x&gclid=&fbclid#/r?msclkid="
    );
    assert_eq!(
        url(source, rules(&keys, Mode::Anonymous, false)),
        "https://example.com/a?gclid=&fbclid#/r?msclkid="
    );
    assert_eq!(url(source, rules(&keys, Mode::Off, true)), "https://example.com/a#/r");
}

#[test]
fn users_and_code_go() {
    for (source, expected) in [
        ("https://ana:secret@example.com:8443/a", "https://example.com:8443/a"),
        ("https://ana@secret@example.com", "https://example.com"),
        ("//ana@example.com/a", "//example.com/a"),
        ("https://ana@/path", "https://…/path"),
        ("https://ana%40example.com/a", "https://…/a"),
        ("ftp://ana:x@example.com/", "ftp://example.com/"),
        ("javascript:alert('ana@example.com')", "javascript:…"),
        ("data:text/plain,600000000", "data:…"),
        ("blob:https://example.com/0193", "blob:…"),
        ("FILE:///C:/Users/Ana/a.pdf", "FILE:…"),
        ("javascript:", "javascript:"),
        ("mailto:ana@example.com?subject=Hola", "mailto:…"),
        ("tel:+34600000000", "tel:…"),
        ("tel:600000000", "tel:…"),
        ("sms:0034600000000?body=x", "sms:…"),
        ("whatsapp://send?phone=34600000000", "whatsapp://send"),
        ("sgnl://signal.me/#p/+34600000000", "sgnl://signal.me/#p/…"),
        ("android-app://com.google.android.gm/", "android-app://com.google.android.gm/"),
        ("http://192.168.100.200:8080/a", "http://192.168.100.200:8080/a"),
        ("", ""),
    ] {
        assert_eq!(full(source), expected, "{source}");
    }
}

#[test]
fn addresses_and_numbers_in_urls_are_cut() {
    for (source, expected) in [
        ("/gracias/ana@example.com/ok", "/gracias/…/ok"),
        ("/gracias/ana%40example.com", "/gracias/…"),
        ("/gracias/ana%2540example.com", "/gracias/…"),
        ("/gracias/%61na%40example%2Ecom", "/gracias/…"),
        ("/g/jos%C3%A9@example.com", "/g/…"),
        ("/g/ana+1@example.com", "/g/…"),
        ("/?utm_content=ana@example.com", "/?utm_content=…"),
        ("/?utm_content=ana%2B1%40example.com&utm_term=x", "/?utm_content=…&utm_term=x"),
        ("/?gclid=ana%40example.com", "/?gclid=…"),
        ("/?q=de+ana@example.com", "/?q=…"),
        ("/#ana@example.com", "/#…"),
        ("/g/+34600000000", "/g/…"),
        ("/g/%2B34600000000", "/g/…"),
        ("/g/+34%20600%20000%20000/x", "/g/…/x"),
        ("/g/600-000-000", "/g/…"),
        ("/g/91-555-01-23.html", "/g/….html"),
        ("/tel-600000000", "/tel-…"),
        ("/tel=600000000", "/tel=…"),
        ("/?q=+34600000000", "/?q=…"),
        ("/?q=telefono+600+000+000", "/?q=telefono+…"),
        ("/?q=m%C3%B3vil%20600000000", "/?q=…"),
        ("/movil-600000000", "/movil-…"),
    ] {
        assert_eq!(full(source), expected, "{source}");
    }
}

#[test]
fn ordinary_urls_stay_whole() {
    for source in [
        "https://example.com/",
        "https://example.com/2026/11/23/la-noticia-123456789/",
        "https://example.com/2026-11-23-1030-titular",
        "https://example.com/blog/2026-11-23-10-30-00",
        "https://example.com/p/123456789",
        "https://example.com/p/8412345678905",
        "https://example.com/p/12345-67890",
        "https://example.com/p/zapato-123456789-rojo",
        "https://example.com/libro/978-84-376-0494-7",
        "https://example.com/u/0193f6e2-8f5e-7cc1-b1ff-0242ac120002",
        "https://example.com/u/12345678-1234-1234-1234-123456789012",
        "https://example.com/h/5d41402abc4b2a76b9719d911017c592",
        "https://example.com/precio/1299.00/eur",
        "https://example.com/v1.2.3/",
        "https://example.com/@40.4167754,-3.7037902,15z",
        "https://example.com/npm/vue@3.4.5/dist",
        "https://example.com/@ana/video/7301234567890123456",
        "https://example.com/?utm_id=21234567890&utm_campaign=2026-11-23_black+friday+21234567890",
        "https://example.com/?utm_content=120210000000000001&gad_campaignid=21234567890",
        "https://example.com/?_gl=1*1abc*_ga*MTIz*1699999999.1.0.1700000000.0.0.0",
        "https://example.com/?fbclid=IwAR0-600-000-000_x",
        "https://example.com/?utm_campaign=100%",
        "https://peña.example/ñandú/%C3%B1?utm_source=%",
        "/a//b/./c",
    ] {
        assert_eq!(full(source), source);
    }
}

#[test]
fn texts_lose_addresses_and_numbers() {
    for (source, expected) in [
        ("Hola ana@example.com, gracias", "Hola …, gracias"),
        ("Escribe a ana.perez+1@mail.example.co.uk.", "Escribe a …."),
        ("josé@example.com", "…"),
        ("ана@пример.рф", "…"),
        ("<ana@example.com>", "<…>"),
        ("mailto:ana@example.com", "mailto:…"),
        ("ana%40example.com", "…"),
        ("a@example.com b@example.com", "… …"),
        ("Llama al +34600000000", "Llama al …"),
        ("Llama al +34 600 00 00 00 ya", "Llama al … ya"),
        ("Llama al 600 000 000", "Llama al …"),
        ("Llama al 600000000.", "Llama al …."),
        ("(91) 555-01-23", "…"),
        ("+34 (91) 555.01.23", "…"),
        ("(+34) 600 000 000", "…"),
        ("0034600000000", "…"),
        ("34600000000", "…"),
        ("600\u{a0}000\u{a0}000", "…"),
        ("600\u{2011}000\u{2011}000", "…"),
        ("Teléfono600000000Enviar", "Teléfono…Enviar"),
        ("Llámanos600 000 000Gratis", "Llámanos…Gratis"),
        ("06 12 34 56 78", "…"),
        ("600 000 000 600 000 001", "…"),
        ("2026-11-23 600 000 000", "2026-11-23 …"),
        ("212-555-0123", "…"),
        ("ana@example.com 600 000 000Enviar", "… …Enviar"),
        ("ana@example.comEnviar", "…"),
        ("+(34) 600 000 000", "…"),
    ] {
        assert_eq!(text(source), expected, "{source}");
    }
}

#[test]
fn ordinary_texts_stay_whole() {
    for source in [
        "",
        "Desde 1.299.000.000 €",
        "$ 1.250.000.000",
        "123 456 789 EUR",
        "Del 23-11-2026 al 24-11-2026",
        "2026-11-23 10:30:00",
        "2024 2025 2026",
        "1 2 3 4 5 6 7 8 9 10",
        "36 38 40 42 44",
        "10.00-14.00 16.00-20.00",
        "Ref. SKU123456789",
        "prod_123456789",
        "5d41402abc4b2a76b9719d911017c592",
        "12345678-1234-1234-1234-123456789012",
        "8412345678905",
        "978-84-376-0494-7",
        "40.4167754",
        "@ana",
        "ana@localhost",
        "vue@3.4.5",
        "12345678",
        "100 % gratis",
        "…",
    ] {
        assert_eq!(text(source), source);
    }
}

/// Pieces that texts and URLs are broken with.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("600 000 000".to_owned()),
        Just("+34".to_owned()),
        Just("ana@example.com".to_owned()),
        Just("%40".to_owned()),
        Just("%2540".to_owned()),
        Just("%2B34600000000".to_owned()),
        Just("2026-11-23".to_owned()),
        Just("12345678-1234-1234-1234-123456789012".to_owned()),
        Just("utm_source=".to_owned()),
        Just("&gclid=".to_owned()),
        Just("tel:".to_owned()),
        Just("https://".to_owned()),
        Just(" €".to_owned()),
        "[0-9]{1,16}",
        "[-+ .()/\\\\?#&=%:;@…ñ\u{a0}\u{2011}]{1,4}",
        "[a-z%0-9@.]{1,8}",
        "\\PC{0,4}",
        "[\u{0}-\u{20}\u{7f}-\u{9f}]",
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

fn modes() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Full), Just(Mode::Anonymous), Just(Mode::Off)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redacting_twice_is_redacting_once(source in pieces(), mode in modes(), utm: bool) {
        let once = text(&source);
        prop_assert_eq!(text(&once), once);
        let keys = own_keys();
        let rules = rules(&keys, mode, utm);
        let once = url(&source, rules);
        prop_assert_eq!(url(&once, rules), once);
    }

    #[test]
    fn no_address_survives(
        before in "[ a-zñ/.,:;()<>-]{0,12}", local in "[a-z0-9]{1,8}", domain in "[a-z]{1,8}", after in "[ /,;)>]?",
    ) {
        let address = format!("{local}@{domain}.com");
        let source = format!("{before}{address}{after}");
        prop_assert!(!text(&source).contains('@'));
        let keys = own_keys();
        for mode in [Mode::Full, Mode::Anonymous, Mode::Off] {
            let source = format!("https://example.com/{before}{address}{after}?utm_term={address}&gclid={address}#{address}");
            prop_assert!(!url(&source, rules(&keys, mode, true)).contains('@'));
        }
    }

    #[test]
    fn no_international_number_survives(digits in "[1-9][0-9]{8,14}", every in 1usize..5, sep in "[ .-]") {
        let mut number = String::from("+");
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && place % every == 0 && every > 1 {
                number.push_str(&sep);
            }
            number.push(digit);
        }
        prop_assert_eq!(text(&format!("Llama al {number}, ya")), "Llama al …, ya");
        prop_assert_eq!(full(&format!("/g/{number}/x?utm_term={number}")), "/g/…/x?utm_term=…");
    }

    #[test]
    fn other_keys_never_pass(key in "z[a-z]{1,7}", value in "[a-z0-9]{1,12}") {
        prop_assert_eq!(full(&format!("https://example.com/?{key}={value}")), "https://example.com/");
    }
}

//! What links are for: one row each.

use wire::links::{App, Link, classify};

/// A link as one word and what it addresses, so that a row stays a row.
fn short(link: &Link<'_>) -> (&'static str, String) {
    match link {
        Link::Call { number } => ("call", number.to_string()),
        Link::Sms { to } => ("sms", to.to_string()),
        Link::Email { to } => ("email", to.to_string()),
        Link::Chat { app, to } => (app.as_str(), to.as_deref().unwrap_or("").to_owned()),
        Link::Download { asset } => ("download", asset.to_string()),
        Link::Outbound => ("outbound", String::new()),
        Link::Internal => ("internal", String::new()),
        Link::Nothing => ("nothing", String::new()),
    }
}

const OWN: [&str; 2] = ["example.com", "www.example.org"];

const LINKS: &[(&str, &str, &str)] = &[
    // calls
    ("tel:+34600000000", "call", "+34600000000"),
    ("TEL:+34 600 000 000", "call", "+34 600 000 000"),
    ("tel:%2B34600000000", "call", "+34600000000"),
    ("tel:+34%20600%20000%20000", "call", "+34 600 000 000"),
    ("tel://+34600000000", "call", "+34600000000"),
    ("tel:900-100-200;ext=12", "call", "900-100-200"),
    ("tel:900100200,,1", "call", "900100200"),
    ("tel:900100200?call", "call", "900100200"),
    ("tel:(91)5550123", "call", "(91)5550123"),
    ("tel:112", "call", "112"),
    ("tel:1-800-FLOWERS", "call", "1-800-FLOWERS"),
    ("  tel:600000000 \n", "call", "600000000"),
    ("t\nel:600\t000000", "call", "600000000"),
    ("callto:+34600000000", "call", "+34600000000"),
    ("callto://+34600000000", "call", "+34600000000"),
    ("facetime-audio:+34600000000", "call", "+34600000000"),
    ("tel:", "nothing", ""),
    ("tel:llamar", "nothing", ""),
    ("tel:%ff600000000", "call", "%ff600000000"),
    // text messages
    ("sms:+34600000000", "sms", "+34600000000"),
    ("sms:+34600000000?body=Hola", "sms", "+34600000000"),
    ("sms:+34600000000&body=Hola", "sms", "+34600000000"),
    ("sms:+34600000000;body=Hola", "sms", "+34600000000"),
    ("SMSTO:600000000,600000001", "sms", "600000000"),
    ("sms://+34600000000", "sms", "+34600000000"),
    ("sms:?body=Mira", "nothing", ""),
    // e-mails
    ("mailto:info@example.com", "email", "info@example.com"),
    ("MAILTO:Info@Example.com?subject=Hola", "email", "Info@Example.com"),
    ("mailto:info%40example.com", "email", "info@example.com"),
    ("mailto:a@example.com,b@example.com", "email", "a@example.com"),
    ("mailto:a@example.com%2Cb@example.com", "email", "a@example.com"),
    ("mailto:a@example.com;b@example.com", "email", "a@example.com"),
    ("mailto:%20info@example.com%20", "email", "info@example.com"),
    ("mailto://info@example.com", "email", "info@example.com"),
    ("mailto:?to=info@example.com&subject=x", "email", "info@example.com"),
    ("mailto:?subject=Mira", "nothing", ""),
    ("mailto:", "nothing", ""),
    // WhatsApp
    ("https://wa.me/34600000000", "whatsapp", "34600000000"),
    ("https://wa.me/34600000000?text=Hola%20%23AB12", "whatsapp", "34600000000"),
    ("https://WA.me/+34600000000", "whatsapp", "+34600000000"),
    ("//wa.me/34600000000", "whatsapp", "34600000000"),
    ("https://www.wa.me/34600000000/", "whatsapp", "34600000000"),
    ("https://wa.me/message/ABCDEF123", "whatsapp", "ABCDEF123"),
    ("https://wa.me/?text=Mira", "whatsapp", ""),
    ("https://api.whatsapp.com/send?phone=34600000000&text=Hola", "whatsapp", "34600000000"),
    ("https://api.whatsapp.com/send/?text=a&phone=+34600000000", "whatsapp", "+34600000000"),
    ("https://api.whatsapp.com/send?phone=%2B34600000000", "whatsapp", "+34600000000"),
    ("https://web.whatsapp.com/send?phone=34600000000", "whatsapp", "34600000000"),
    ("https://web.whatsapp.com", "whatsapp", ""),
    ("https://www.whatsapp.com/send?phone=34600000000", "whatsapp", "34600000000"),
    ("https://www.whatsapp.com/download", "outbound", ""),
    ("https://chat.whatsapp.com/AbCdEf", "whatsapp", "AbCdEf"),
    ("whatsapp://send?phone=34600000000", "whatsapp", "34600000000"),
    ("whatsapp:send?phone=34600000000", "whatsapp", "34600000000"),
    ("WhatsApp://send?text=Mira", "whatsapp", ""),
    ("https://wa.me.example.net/34600000000", "outbound", ""),
    ("https://notwa.me/34600000000", "outbound", ""),
    // Messenger
    ("https://m.me/example", "messenger", "example"),
    ("https://m.me/example?ref=a", "messenger", "example"),
    ("https://www.messenger.com/t/example", "messenger", "example"),
    ("https://messenger.com/t/100000000000001/", "messenger", "100000000000001"),
    ("https://www.messenger.com/about", "outbound", ""),
    ("https://www.facebook.com/messages/t/example", "messenger", "example"),
    ("https://www.facebook.com/example", "outbound", ""),
    ("fb-messenger://user-thread/example", "messenger", "example"),
    ("fb-messenger://share?link=x", "messenger", ""),
    // Telegram
    ("https://t.me/example", "telegram", "example"),
    ("https://t.me/+34600000000", "telegram", "+34600000000"),
    ("https://t.me/s/example", "telegram", "example"),
    ("https://t.me/joinchat/AAAA", "telegram", "AAAA"),
    ("https://t.me/share/url?url=https://example.com", "telegram", ""),
    ("https://telegram.me/example", "telegram", "example"),
    ("tg://resolve?domain=example", "telegram", "example"),
    ("tg://resolve?phone=34600000000", "telegram", "34600000000"),
    ("tg:resolve?domain=example", "telegram", "example"),
    ("https://telegram.org/", "outbound", ""),
    // Viber, Signal, LINE, others
    ("viber://chat?number=%2B34600000000", "viber", "+34600000000"),
    ("viber://chat/?number=+34600000000", "viber", "+34600000000"),
    ("viber://pa?chatURI=example", "viber", "example"),
    ("viber://forward?text=Mira", "viber", ""),
    ("https://signal.me/#p/+34600000000", "signal", "+34600000000"),
    ("https://signal.me/#eu/AbCd", "signal", ""),
    ("sgnl://signal.me/#p/+34600000000", "signal", "+34600000000"),
    ("https://line.me/R/ti/p/@example", "line", "@example"),
    ("https://line.me/R/ti/p/%40example", "line", "@example"),
    ("https://line.me/ti/p/AbC", "line", "AbC"),
    ("https://line.me/R/oaMessage/@example/?Hola", "line", "@example"),
    ("https://line.me/R/msg/text/?Mira", "line", ""),
    ("https://line.me/es/", "outbound", ""),
    ("https://lin.ee/AbC", "line", "AbC"),
    ("line://ti/p/@example", "line", "@example"),
    ("skype:example?chat", "other", "example"),
    // downloads
    ("/folleto.pdf", "download", "folleto.pdf"),
    ("docs/Folleto%20oto%C3%B1o.PDF?v=2#page=3", "download", "Folleto otoño.PDF"),
    ("https://example.com/tarifas.xlsx", "download", "tarifas.xlsx"),
    ("https://cdn.example.net/a/b.zip", "download", "b.zip"),
    ("//cdn.example.net/a/b.tar.gz", "download", "b.tar.gz"),
    ("/a%2Epdf", "download", "a.pdf"),
    ("/a.pdf;jsessionid=1", "download", "a.pdf"),
    ("..\\docs\\a.docx", "download", "a.docx"),
    ("ftp://example.net/a.iso", "download", "a.iso"),
    ("/.pdf", "internal", ""),
    ("/pdf", "internal", ""),
    ("/a.html", "internal", ""),
    ("/a.pdf/", "internal", ""),
    ("/ver?file=a.pdf", "internal", ""),
    ("/#a.pdf", "internal", ""),
    ("https://example.zip", "outbound", ""),
    ("https://example.zip/", "outbound", ""),
    // own and other hosts
    ("https://example.com/contacto", "internal", ""),
    ("https://www.example.com/contacto", "internal", ""),
    ("https://tienda.example.com:8443/x", "internal", ""),
    ("https://EXAMPLE.ORG/x", "internal", ""),
    ("https://example.com./", "internal", ""),
    ("//example.com/x", "internal", ""),
    ("https://user:pass@example.com/", "internal", ""),
    ("https://example.com@example.net/", "outbound", ""),
    ("https://example.com.example.net/", "outbound", ""),
    ("https://notexample.com/", "outbound", ""),
    ("https:\\\\example.net\\x", "outbound", ""),
    ("https:/example.net", "outbound", ""),
    ("/\\example.net", "outbound", ""),
    ("///example.net/x", "outbound", ""),
    ("https://peña.example/", "outbound", ""),
    ("https://xn--pea-hoa.example/", "outbound", ""),
    ("http://203.0.113.7:8080/x", "outbound", ""),
    ("http://[2001:db8::1]/x", "outbound", ""),
    ("https://example.net:443", "outbound", ""),
    ("ht\ntps://example.net", "outbound", ""),
    ("https://", "nothing", ""),
    ("https://a b/", "nothing", ""),
    // on the site, on the page
    ("/", "internal", ""),
    ("contacto", "internal", ""),
    ("../precios?x=1", "internal", ""),
    ("./", "internal", ""),
    ("?pagina=2", "internal", ""),
    ("#", "internal", ""),
    ("#precios", "internal", ""),
    ("/a:b", "internal", ""),
    ("+34600000000", "internal", ""),
    ("wa.me/34600000000", "internal", ""),
    ("%", "internal", ""),
    (":", "internal", ""),
    ("\u{a0}tel:600000000", "internal", ""),
    // nowhere
    ("", "nothing", ""),
    ("   ", "nothing", ""),
    ("javascript:void(0)", "nothing", ""),
    ("JavaScript:location='https://wa.me/1'", "nothing", ""),
    (" java\nscript:alert(1)", "nothing", ""),
    ("blob:https://example.com/0193", "nothing", ""),
    ("data:application/pdf;base64,AAAA.pdf", "nothing", ""),
    ("about:blank", "nothing", ""),
    ("file:///C:/a.pdf", "nothing", ""),
    ("C:\\a.pdf", "nothing", ""),
    ("vbscript:x", "nothing", ""),
    // other applications
    ("intent://scan/#Intent;scheme=zxing;end", "outbound", ""),
    ("geo:40.4,-3.7", "outbound", ""),
    ("market://details?id=a", "outbound", ""),
];

#[test]
fn every_link_is_what_it_is_for() {
    assert!(LINKS.len() >= 100, "{}", LINKS.len());
    for &(href, kind, to) in LINKS {
        assert_eq!(short(&classify(href, &OWN)), (kind, to.to_owned()), "{href:?}");
    }
}

#[test]
fn without_own_domains_every_absolute_link_leaves() {
    let none: [&str; 0] = [];
    assert_eq!(classify("https://example.com/", &none), Link::Outbound);
    assert_eq!(classify("/x", &none), Link::Internal);
}

#[test]
fn applications_have_their_wire_names() {
    let names =
        [App::Whatsapp, App::Messenger, App::Telegram, App::Viber, App::Signal, App::Line, App::Other]
            .map(App::as_str);
    assert_eq!(names, ["whatsapp", "messenger", "telegram", "viber", "signal", "line", "other"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_href_is_too_hostile(href in "\\PC*", tail in "[:/\\\\@#?%&;=.a-zA-Z0-9\\n\u{a0}ñ…]{0,40}") {
        let _ = classify(&href, &OWN);
        let _ = classify(&tail, &OWN);
        for scheme in ["tel:", "mailto:", "https://", "//", "https://wa.me/", "viber://", "sms:"] {
            let _ = classify(&format!("{scheme}{tail}"), &OWN);
        }
    }

    #[test]
    fn a_relative_path_never_leaves(path in "/[a-z0-9][a-z0-9/:.@-]{0,30}") {
        let link = classify(&path, &OWN);
        let stays = matches!(link, Link::Internal | Link::Download { .. });
        proptest::prop_assert!(stays);
    }
}

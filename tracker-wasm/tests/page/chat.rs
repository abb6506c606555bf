//! References in chats.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Tracker, clean, followed, kept, of_kind, show, tap, until};

const ON: &str = r#"{"chat_refs":true}"#;

const LINKS: &str = r#"<a id=said href="https://wa.me/34600000000?text=Hola%2C%20quiero+saber&x=1#y">1</a>
    <a id=silent href="https://wa.me/+34600000000">2</a>
    <a id=send href="//api.whatsapp.com/send/?phone=34600000000&text=">3</a>
    <a id=app href="whatsapp://send?text=hi&phone=34600000000">4</a>
    <a id=messenger href="https://m.me/example">5</a>
    <a id=theirs href="https://m.me/example?ref=theirs">6</a>
    <a id=share href="https://wa.me/?text=look">7</a>
    <a id=share2 href="https://api.whatsapp.com/send?text=look">8</a>
    <a id=group href="https://chat.whatsapp.com/AbCdEf">9</a>
    <a id=telegram href="https://t.me/example">10</a>
    <a id=elsewhere href="https://example.org/wa.me/34600000000">11</a>
    <p data-traza-noswap><a id=kept href="https://wa.me/34600000000?text=hi">12</a></p>"#;

fn reference() -> String {
    let read = js_sys::eval("sessionStorage.getItem('tz_r') || ''");
    read.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

#[wasm_bindgen_test]
async fn a_chat_with_somebody_carries_the_tabs_reference_while_it_is_followed() {
    clean();
    show(LINKS);
    let _tracker = Tracker::of("full", ON);
    until("a visitor", || kept("tz_v").is_some()).await;
    let (during, after) = followed("#said").await;
    let reference = reference();
    assert_eq!(reference.len(), 6, "{reference}");
    assert!(reference.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)), "{reference}");
    let mark = format!("%20(ref%3A%20{reference})");
    assert_eq!(during, format!("https://wa.me/34600000000?text=Hola%2C%20quiero+saber{mark}&x=1#y"));
    assert_eq!(
        after, "https://wa.me/34600000000?text=Hola%2C%20quiero+saber&x=1#y",
        "the page's own is back"
    );
    let table = [
        ("#silent", format!("https://wa.me/+34600000000?text=Hello{mark}")),
        ("#send", format!("//api.whatsapp.com/send/?phone=34600000000&text=Hello{mark}")),
        ("#app", format!("whatsapp://send?text=hi{mark}&phone=34600000000")),
        ("#messenger", format!("https://m.me/example?ref=traza_{reference}")),
    ];
    for (id, followed_to) in &table {
        assert_eq!(&followed(id).await.0, followed_to);
    }
    drop(js_sys::eval("document.documentElement.lang = 'es-MX'"));
    let (spanish, _) = followed("#silent").await;
    drop(js_sys::eval("document.documentElement.lang = ''"));
    assert_eq!(spanish, format!("https://wa.me/+34600000000?text=Hola{mark}"));
    until("the clicks", || of_kind("chat_click").len() == 6).await;
    for event in of_kind("chat_click") {
        assert_eq!(event.chat_ref.as_deref(), Some(&*reference), "{event:?}");
        assert!(!format!("{event:?}").contains("quiero"), "{event:?}");
    }
}

#[wasm_bindgen_test]
async fn what_is_no_chat_with_the_site_or_has_a_reference_of_its_own_stays_as_it_is() {
    clean();
    show(LINKS);
    let _tracker = Tracker::of("full", ON);
    until("a visitor", || kept("tz_v").is_some()).await;
    for id in ["#theirs", "#share", "#share2", "#group", "#telegram", "#elsewhere", "#kept"] {
        let (during, after) = followed(id).await;
        assert_eq!(during, after, "{id}");
    }
    until("the clicks", || of_kind("chat_click").len() == 6).await;
    assert!(of_kind("chat_click").iter().all(|event| event.chat_ref.is_none()));
    assert_eq!(reference(), "", "nothing was kept for nothing");
}

#[wasm_bindgen_test]
async fn without_full_consent_or_where_the_site_wants_none_there_is_none() {
    for (consent, more) in [("anonymous", ON), ("wait", ON), ("off", ON), ("full", r#"{"chat_refs":false}"#)]
    {
        clean();
        show(LINKS);
        let _tracker = Tracker::of(consent, more);
        let (during, after) = followed("#said").await;
        assert_eq!(during, after, "{consent}");
        assert_eq!(reference(), "", "{consent}");
    }
}

#[wasm_bindgen_test]
async fn a_chat_that_was_opened_before_the_loader_came_has_none() {
    clean();
    show(LINKS);
    tap("#said", 500);
    let _tracker = Tracker::of("full", ON);
    until("the click", || of_kind("chat_click").len() == 1).await;
    assert_eq!(of_kind("chat_click")[0].chat_ref, None);
}

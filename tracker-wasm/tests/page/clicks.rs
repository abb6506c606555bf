//! Clicks on real nodes.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::event::{Event, Prop};

use crate::page::{
    Tracker, act, clean, click, click_with, events, fire, of_kind, pause, sent, shadow, show, until,
};

async fn started(html: &str) -> Tracker {
    clean();
    show(html);
    let tracker = Tracker::start("full");
    pause(20).await;
    tracker
}

#[wasm_bindgen_test]
async fn a_tap_that_waited_its_turn_counts_though_a_later_click_came_first() {
    let _tracker = started(
        r#"<a id=call href="tel:+34600000000">Call</a><a id=mail href="mailto:info@example.com">Mail</a>"#,
    )
    .await;
    click("#mail");
    // A page's script clicks while a tap still waits in the browser's queue, with its own, earlier time.
    act(r#"const tap = new MouseEvent("click", { bubbles: true, composed: true, cancelable: true });
        Object.defineProperty(tap, "timeStamp", { value: 1 });
        addEventListener("click", (event) => event.preventDefault(), { once: true });
        find('#call').dispatchEvent(tap);"#);
    fire("pagehide", false);
    assert_eq!((of_kind("email_click").len(), of_kind("call_click").len()), (1, 1));
}

#[wasm_bindgen_test]
async fn links_are_what_they_do() {
    let _tracker = started(
        r#"<a id=call href="tel:+34600000000">Call</a>
           <a id=chat href="https://wa.me/34600000000?text=hi">WhatsApp</a>
           <a id=mail href="mailto:info@example.com">Mail</a>
           <a id=sms href="sms:+34600000000">SMS</a>
           <a id=file href="/files/brochure.pdf">Brochure</a>
           <a id=away href="https://example.org/partner">Partner</a>
           <a id=stay href="/prices">Prices</a>
           <button id=plain>More</button>"#,
    )
    .await;
    for id in ["#call", "#chat", "#mail", "#sms", "#file", "#away", "#stay", "#plain"] {
        click(id);
    }
    fire("pagehide", false);
    let sent: Vec<_> = events()
        .into_iter()
        .filter(|event| event.kind.contains("click") || event.kind == "download")
        .collect();
    let kinds: Vec<_> = sent.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "call_click",
            "chat_click",
            "email_click",
            "sms_click",
            "download",
            "outbound_click",
            "click",
            "click"
        ]
    );
    let [call, chat, mail, sms, file, away, stay, plain] = &sent[..] else { panic!("eight of them") };
    assert_eq!(call.number.as_deref(), Some("+34600000000"));
    assert_eq!((call.href.as_ref(), call.target.as_ref(), call.text.as_ref()), (None, None, None));
    assert_eq!((chat.app.as_deref(), chat.to.as_deref()), (Some("whatsapp"), Some("34600000000")));
    assert_eq!(mail.to.as_deref(), Some("info@example.com"));
    assert_eq!(sms.to.as_deref(), Some("+34600000000"));
    assert_eq!(file.asset.as_deref(), Some("brochure.pdf"));
    assert_eq!(away.href.as_deref(), Some("https://example.org/partner"));
    assert_eq!(
        (stay.href.as_deref(), stay.target.as_deref(), stay.text.as_deref()),
        (Some("/prices"), Some("a#stay"), Some("Prices"))
    );
    assert_eq!(
        (plain.href.as_ref(), plain.target.as_deref(), plain.text.as_deref()),
        (None, Some("button#plain"), Some("More"))
    );
}

#[wasm_bindgen_test]
async fn a_link_to_somebody_leaves_without_what_it_would_say() {
    let _tracker = started(
        r#"<a id=mail href="mailto:info@example.com?subject=From+Ana&body=SECRET">Mail</a>
           <a id=sms href="sms:+34600000000;body=SECRET">SMS</a>
           <a id=chat href="https://api.whatsapp.com/send?text=SECRET&phone=+34600000000">WhatsApp</a>
           <a id=app href="viber://chat?number=%2B34600000000&draft=SECRET">Viber</a>
           <a id=share href="https://t.me/share/url?url=x&text=SECRET">Share</a>"#,
    )
    .await;
    for id in ["#mail", "#sms", "#chat", "#app", "#share"] {
        click(id);
    }
    fire("pagehide", false);
    let hrefs: Vec<_> =
        sent().iter().flat_map(|post| post.events().to_vec()).filter_map(|event| event.href).collect();
    assert_eq!(
        hrefs,
        [
            "mailto:info@example.com?&",
            "sms:+34600000000;",
            "https://api.whatsapp.com/send?&phone=+34600000000",
            "viber://chat?number=%2B34600000000&",
            "https://t.me/share/url?&"
        ]
    );
    let to: Vec<_> = events()
        .into_iter()
        .filter(|event| event.kind.ends_with("_click"))
        .map(|event| event.to.unwrap_or_default())
        .collect();
    assert_eq!(to, ["info@example.com", "+34600000000", "+34600000000", "+34600000000", ""]);
}

#[wasm_bindgen_test]
async fn a_call_leaves_at_once_and_a_plain_click_gathers() {
    let _tracker = started(r#"<a id=call href="tel:+34600000000">Call</a><button>More</button>"#).await;
    click("button");
    assert_eq!(of_kind("click").len(), 0);
    click("#call");
    until("the call", || of_kind("call_click").len() == 1).await;
    assert_eq!(of_kind("click").len(), 1, "what waited goes along");
}

#[wasm_bindgen_test]
async fn a_drawing_in_a_link_is_the_link() {
    let _tracker = started(
        r##"<a id=call href="tel:+34600000000" aria-label="Call us"><svg><g><path id=stroke d="M0 0h9v9z"/></g></svg></a>
            <svg><a id=drawn xlink:href="https://example.org/"><text id=word>Go</text></a></svg>"##,
    )
    .await;
    click("#stroke");
    click("#word");
    fire("pagehide", false);
    assert_eq!(of_kind("call_click").len(), 1);
    assert_eq!(of_kind("outbound_click")[0].href.as_deref(), Some("https://example.org/"));
}

#[wasm_bindgen_test]
async fn shadow_roots_hide_nothing() {
    let _tracker = started(
        r#"<div id=card data-traza-cta="card"></div><a href="tel:+34600000001"><span id=inner></span></a>"#,
    )
    .await;
    shadow("#card", r#"<section><a href="tel:+34600000000"><b>Call</b></a></section>"#);
    shadow("#inner", "<i>now</i>");
    // Inside of a root, and out of one into the link around it.
    click("#card >>> b");
    click("#inner >>> i");
    fire("pagehide", false);
    let calls = of_kind("call_click");
    assert_eq!(
        calls.iter().map(|call| call.number.as_deref()).collect::<Vec<_>>(),
        [Some("+34600000000"), Some("+34600000001")]
    );
    assert_eq!(calls[0].cta.as_deref(), Some("card"), "the call to action is around the root");
    assert_eq!(calls[1].cta, None);
}

#[wasm_bindgen_test]
async fn calls_to_action_are_named() {
    let _tracker = started(
        r#"<button data-traza-cta="hero"><b id=in>Start</b></button>
           <div data-traza-cta="box"><a id=link href="/start">Start</a></div>
           <div data-traza-cta="tile" id=tile>Start</div>
           <a id=tel data-traza-cta="phone" href="tel:+34600000000">Call</a>"#,
    )
    .await;
    for id in ["#in", "#link", "#tile", "#tel"] {
        click(id);
    }
    fire("pagehide", false);
    let named: Vec<_> =
        of_kind("cta_click").into_iter().map(|event| (event.cta.unwrap_or_default(), event.href)).collect();
    let expected = [("hero", None), ("box", Some("/start")), ("tile", None)];
    assert_eq!(named, expected.map(|(cta, href)| (cta.to_owned(), href.map(str::to_owned))));
    assert_eq!(of_kind("call_click")[0].cta.as_deref(), Some("phone"));
}

#[wasm_bindgen_test]
async fn the_middle_button_follows_a_link_and_the_right_one_does_not() {
    let _tracker = started(r#"<a id=away href="https://example.org/">Away</a><p id=text>Words</p>"#).await;
    click_with("#away", 1);
    click_with("#away", 2);
    click("#text");
    fire("pagehide", false);
    assert_eq!(of_kind("outbound_click").len(), 1);
    assert_eq!(of_kind("click").len(), 0, "words are no button");
}

#[wasm_bindgen_test]
async fn selectors_are_short_and_stable() {
    let _tracker = started(
        r#"<section id=hero><a class="btn big" href="/a"><i>A</i></a></section>
           <div id="r:1a:"><button id="ember1234">B</button></div>"#,
    )
    .await;
    click("i");
    click("button");
    fire("pagehide", false);
    let targets: Vec<_> = of_kind("click").into_iter().filter_map(|event| event.target).collect();
    assert_eq!(targets, ["#hero a.btn", "button"]);
}

#[wasm_bindgen_test]
async fn personal_data_in_links_and_captions_stays() {
    let _tracker = started(
        r#"<a id=one href="/hello?email=ana@example.com&plan=pro&token=x">Write to ana@example.com</a>
           <a id=two href="https://ana:secret@example.org/u/ana@example.com?utm_source=a">x</a>"#,
    )
    .await;
    click("#one");
    click("#two");
    fire("pagehide", false);
    let text = format!("{:?}", events());
    for planted in ["ana@", "secret", "token"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    assert_eq!(of_kind("click")[0].href.as_deref(), Some("/hello?plan=pro"));
}

#[wasm_bindgen_test]
async fn calls_to_action_are_found_by_their_looks_and_words() {
    let _tracker = started(
        r#"<a id=yes class="btn btn-primary" href="/p">Solicita presupuesto</a><button id=also class=elementor-button>Book a visit</button>
           <a id=plain href="/p">Solicita presupuesto</a><button id=words class=btn>Cerrar</button>
           <nav><a id=menu class=btn href="/p">Llama ahora</a></nav><form><button id=send type=button class=btn>Reserva ya</button></form>
           <a id=person class=btn href="/p">Contact ana@example.com</a>"#,
    )
    .await;
    for id in ["#yes", "#also", "#plain", "#words", "#menu", "#send", "#person"] {
        click(id);
    }
    fire("pagehide", false);
    let named: Vec<_> = of_kind("cta_click").into_iter().filter_map(|event| event.cta).collect();
    assert_eq!(named, ["Solicita presupuesto", "Book a visit"]);
    assert_eq!(of_kind("click").len(), 5);
}

#[wasm_bindgen_test]
async fn a_call_to_action_is_seen_after_a_second_in_sight_and_once() {
    let _tracker = started(
        r#"<a data-traza-cta=here href="/p">Go</a><a data-traza-cta=below style="position:absolute;top:9999px">Go</a>
           <div style="height:40px;overflow:hidden"><div data-traza-cta=part style="height:400px">Go</div></div>"#,
    )
    .await;
    act(
        "setTimeout(() => stage.insertAdjacentHTML('beforeend', '<button class=btn>Reserva ya</button>'), 300)",
    );
    pause(500).await;
    fire("pagehide", false);
    assert_eq!(of_kind("cta_view").len(), 0, "half a second is a glance");
    until("both", || {
        fire("pagehide", false);
        of_kind("cta_view").len() == 2
    })
    .await;
    pause(1500).await;
    fire("pagehide", false);
    let seen: Vec<_> =
        of_kind("cta_view").into_iter().map(|event| (event.cta.unwrap_or_default(), event.href)).collect();
    assert_eq!(seen, [("here".to_owned(), Some("/p".to_owned())), ("Reserva ya".to_owned(), None)]);
}

/// The names and targets of what was recorded beside clicks.
fn stuck() -> Vec<(String, String)> {
    fire("pagehide", false);
    let of = |event: Event| {
        let target = match event.props.unwrap_or_default().remove("target") {
            Some(Prop::Text(target)) => target,
            other => panic!("no target: {other:?}"),
        };
        (event.name.unwrap_or_default(), target)
    };
    of_kind("custom").into_iter().map(of).collect()
}

#[wasm_bindgen_test]
async fn clicking_on_and_on_is_rage_and_told_once() {
    let _tracker = started("<p id=words>Words</p><p id=other>Words</p>").await;
    for _ in 0..3 {
        click("#words");
    }
    click("#other");
    assert_eq!(stuck(), [], "three, and somewhere else");
    for _ in 0..6 {
        click("#words");
    }
    assert_eq!(stuck(), [("rage_click".to_owned(), "p#words".to_owned())]);
}

#[wasm_bindgen_test]
async fn a_click_after_which_nothing_happens_is_dead() {
    let _tracker = started(
        r##"<button id=dead>More</button><a id=empty href="#">More</a><button id=live>More</button><a id=real href="/p">More</a><i></i>"##,
    )
    .await;
    act("find('#live').addEventListener('click', () => { find('i').textContent = 'here'; })");
    for id in ["#live", "#real"] {
        click(id);
        pause(2200).await;
    }
    assert_eq!(stuck(), []);
    for (at, id) in ["#dead", "#empty"].into_iter().enumerate() {
        click(id);
        pause(900).await;
        assert_eq!(stuck().len(), at, "not yet");
        until("it is dead", || stuck().len() == at + 1).await;
    }
    assert_eq!(
        stuck(),
        [("dead_click", "button#dead"), ("dead_click", "a#empty")]
            .map(|(name, target)| (name.to_owned(), target.to_owned()))
    );
}

#[wasm_bindgen_test]
async fn a_click_that_is_answered_late_is_not_dead_by_the_clock_of_one_before() {
    let _tracker = started("<button id=other>More</button><button id=slow>More</button><i></i>").await;
    act(
        "find('#slow').addEventListener('click', () => setTimeout(() => { find('i').textContent += '.'; }, 600))",
    );
    for id in ["#other", "#slow", "#slow"] {
        click(id);
        pause(700).await;
    }
    pause(1000).await;
    assert_eq!(stuck(), [], "each was answered within a second, or followed by another click");
}

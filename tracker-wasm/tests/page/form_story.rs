//! What becomes of a form: seen, begun, refused, left, sent, received.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::event::Event;

use crate::page::{
    Tracker, act, clean, click, events, fire, go, of_kind, pause, shadow, show, submit, type_into, until,
};

/// The page sends its forms nowhere.
const STAY: &str = "for (const form of stage.querySelectorAll('form')) form.addEventListener('submit', (e) => e.preventDefault());";

const CONTACT: &str = r#"<form name=contact data-traza-lead=form><input name=nombre><input name=phone type=tel required>
    <input name=ref type=hidden data-traza-ref><button>Send</button></form><p id=text>Words</p>"#;

async fn started(html: &str, config: &str) -> Tracker {
    clean();
    show(html);
    act(STAY);
    let tracker = Tracker::of("full", config);
    pause(20).await;
    tracker
}

/// The events of forms that left, as kind and field.
fn told() -> Vec<(String, String)> {
    fire("pagehide", false);
    let of_forms = events().into_iter().filter(|event| event.kind.starts_with("form_"));
    of_forms.map(|event| (event.kind, event.field.unwrap_or_default())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, field)| ((*kind).to_owned(), (*field).to_owned())).collect()
}

fn only(kind: &str) -> Event {
    let mut all = of_kind(kind);
    assert_eq!(all.len(), 1, "{kind} in {all:?}");
    all.remove(0)
}

fn phone(event: &Event) -> Option<&str> {
    event.lead.as_ref().and_then(|lead| lead.phone.as_deref())
}

#[wasm_bindgen_test]
async fn a_form_that_is_begun_and_left_says_where() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=nombre]", "SECRET");
    type_into("[name=phone]", "SECRET2");
    type_into("[name=phone]", "SECRET3");
    assert_eq!(told(), pairs(&[("form_start", "nombre"), ("form_abandon", "phone")]));
    let left = only("form_abandon");
    assert_eq!((left.form.as_deref(), left.fields_filled), (Some("contact"), Some(2)));
    assert!(!format!("{:?}", events()).contains("SECRET"), "typed, and not sent");
}

#[wasm_bindgen_test]
async fn a_form_that_nobody_touched_is_not_left() {
    let _tracker = started(CONTACT, "{}").await;
    click("#text");
    assert_eq!(told(), []);
}

#[wasm_bindgen_test]
async fn a_form_is_seen_after_a_second_and_once() {
    let _tracker = started(
        r#"<form name=seen>A</form><form name=below style="position:absolute;top:9999px">B</form>"#,
        "{}",
    )
    .await;
    act("setTimeout(() => stage.insertAdjacentHTML('beforeend', '<form name=late>C</form>'), 100)");
    until("both", || {
        fire("pagehide", false);
        of_kind("form_view").len() == 2
    })
    .await;
    pause(1500).await;
    fire("pagehide", false);
    let names: Vec<_> = of_kind("form_view").into_iter().filter_map(|event| event.form).collect();
    assert_eq!(names, ["seen", "late"]);
}

#[wasm_bindgen_test]
async fn a_form_that_was_sent_is_not_left() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=phone]", "600000000");
    act("find('form').requestSubmit()");
    assert_eq!(told(), pairs(&[("form_start", "phone"), ("form_submit", "")]));
    let sent = only("form_submit");
    assert_eq!((phone(&sent), sent.inferred), (Some("600000000"), None));
}

#[wasm_bindgen_test]
async fn fields_that_the_browser_refuses_are_told_once_for_each_attempt() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=nombre]", "Ana");
    click("form button");
    act("find('form').reportValidity()");
    act("find('button').click()");
    assert_eq!(
        told(),
        pairs(&[
            ("form_start", "nombre"),
            ("form_error", "phone"),
            ("form_error", "phone"),
            ("form_abandon", "nombre")
        ])
    );
}

#[wasm_bindgen_test]
async fn fields_that_the_page_refuses_are_told_too() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=phone]", "1");
    act(
        "find('[name=phone]').setAttribute('aria-invalid', 'false'); find('[name=phone]').setAttribute('aria-invalid', 'true')",
    );
    pause(0).await;
    assert_eq!(told()[1], ("form_error".to_owned(), "phone".to_owned()));
}

#[wasm_bindgen_test]
async fn a_form_without_the_browsers_checks_is_sent_as_it_is() {
    let _tracker = started(
        r#"<form data-traza-lead=form><input name=email type=email value=no><input name=phone value=600000000>
           <button formnovalidate>Send</button></form>"#,
        "{}",
    )
    .await;
    click("button");
    // `click` of the tests follows nothing; this is the browser's own.
    act("find('button').click()");
    fire("pagehide", false);
    assert_eq!(phone(&only("form_submit")), Some("600000000"));
}

#[wasm_bindgen_test]
async fn a_form_that_a_script_sends_is_inferred_at_the_pages_end() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=phone]", "600000000");
    // The page takes the click over and calls `submit()`, which tells nobody.
    act(
        "find('button').addEventListener('click', (e) => e.preventDefault()); find('button').click(); find('form').reset()",
    );
    assert_eq!(told(), pairs(&[("form_start", "phone"), ("form_submit", "")]));
    let sent = only("form_submit");
    assert_eq!((phone(&sent), sent.inferred), (Some("600000000"), Some(true)));
}

#[wasm_bindgen_test]
async fn a_link_sends_a_form_that_has_no_button() {
    let _tracker = started(
        r#"<form data-traza-lead=callback><input name=phone><a id=go href="javascript:void 0">Send</a></form>"#,
        "{}",
    )
    .await;
    type_into("[name=phone]", "600000000");
    click("#go");
    fire("pagehide", false);
    assert_eq!(only("form_submit").inferred, Some(true));
}

#[wasm_bindgen_test]
async fn what_was_not_sent_is_not_inferred() {
    let cases = [
        // Another button than the one that sends; words; a field after the button; a required field left empty.
        (
            r#"<form data-traza-lead=form><input name=phone><button type=button>Next</button><button type=submit id=send>Send</button></form>"#,
            "[type=button]",
            "",
        ),
        (CONTACT, "#text", ""),
        (CONTACT, "button", "[name=nombre]"),
        (
            r#"<form data-traza-lead=form><input name=phone><input name=email required><button>Send</button></form>"#,
            "button",
            "",
        ),
    ];
    for (html, pressed, then) in cases {
        let tracker = started(html, "{}").await;
        type_into("[name=phone]", "600000000");
        click(pressed);
        if !then.is_empty() {
            type_into(then, "Ana");
        }
        fire("pagehide", false);
        assert_eq!((of_kind("form_submit").len(), of_kind("form_abandon").len()), (0, 1), "{html}");
        assert!(!format!("{:?}", events()).contains("600000000"), "{html}");
        drop(tracker);
    }
}

#[wasm_bindgen_test]
async fn a_form_sent_by_fetch_is_inferred_when_it_has_arrived() {
    let _tracker = started(
        r#"<form name=ajax data-traza-lead=form><input name=phone><button type=button>Send</button></form><p id=text>x</p>"#,
        r#"{"forms": [{"match": "[name=ajax]", "success": ".thanks"}]}"#,
    )
    .await;
    type_into("[name=phone]", "600000000");
    click("button");
    click("#text");
    act("stage.insertAdjacentHTML('beforeend', '<p class=thanks>Thanks</p>')");
    until("the lead", || of_kind("form_submit").len() == 1).await;
    fire("pagehide", false);
    let sent = only("form_submit");
    assert_eq!((phone(&sent), sent.inferred), (Some("600000000"), Some(true)));
    assert_eq!(only("form_success").submit, Some(sent.id));
}

#[wasm_bindgen_test]
async fn success_is_what_appears_after_and_not_what_stood_there() {
    let _tracker = started(
        &format!("{CONTACT}<p class=thanks id=old>Thanks</p><p class=thanks id=hidden hidden>Thanks</p>"),
        r#"{"forms": [{"match": "form", "success": ".thanks"}]}"#,
    )
    .await;
    type_into("[name=phone]", "600000000");
    submit("form");
    act("stage.insertAdjacentHTML('beforeend', '<i>noise</i>')");
    pause(20).await;
    assert_eq!(of_kind("form_success").len(), 0);
    act("find('#hidden').hidden = false");
    pause(20).await;
    fire("pagehide", false);
    assert_eq!(only("form_success").submit, Some(only("form_submit").id));
}

#[wasm_bindgen_test]
async fn a_thank_you_page_is_the_sign_of_success() {
    let rule = r#"{"forms": [{"match": "form", "success": "/gracias"}]}"#;
    let tracker = started(CONTACT, rule).await;
    type_into("[name=phone]", "600000000");
    submit("form");
    fire("pagehide", false);
    let sent = only("form_submit");
    assert_eq!(of_kind("form_success").len(), 0);
    drop(tracker);
    // The page that the form led to.
    go("replace", "/gracias?x=1");
    let _next = Tracker::of("full", rule);
    until("it is told", || {
        fire("pagehide", false);
        of_kind("form_success").len() == 1
    })
    .await;
    assert_eq!(only("form_success").submit, Some(sent.id));
}

#[wasm_bindgen_test]
async fn a_form_that_is_sent_twice_by_itself_is_one_and_a_second_try_another() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=phone]", "600000000");
    submit("form");
    submit("form");
    type_into("[name=phone]", "600000001");
    submit("form");
    fire("pagehide", false);
    let sent = of_kind("form_submit");
    assert_eq!(sent.iter().map(phone).collect::<Vec<_>>(), [Some("600000000"), Some("600000001")]);
    assert_ne!(sent[0].id, sent[1].id);
}

#[wasm_bindgen_test]
async fn the_reference_of_a_form_is_the_id_of_its_event() {
    let _tracker = started(CONTACT, "{}").await;
    type_into("[name=phone]", "600000000");
    // What the page's own handler reads.
    act("find('form').addEventListener('submit', () => { window.reference = find('[name=ref]').value; })");
    submit("form");
    fire("pagehide", false);
    act("if (!window.reference) throw new Error('no reference')");
    let reference = js_sys::Reflect::get(&js_sys::global(), &"reference".into()).unwrap();
    assert_eq!(only("form_submit").id, reference.as_string().unwrap());
}

#[wasm_bindgen_test]
async fn rules_declare_forms_that_nobody_can_edit() {
    let _tracker = started(
        r#"<form class=theirs><input name=f1 value=SECRET1><input name=f2 value=600000000><input name=f3 value=SECRET2></form>
           <form class=other><input name=phone value=SECRET3></form>"#,
        r#"{"forms": [{"match": "][broken", "kind": "form"},
            {"match": ".theirs", "kind": "callback", "fields": {"phone": "[name=f2]"}}]}"#,
    )
    .await;
    // Old libraries put methods on every object.
    act("Object.prototype.extend = () => {}");
    submit(".theirs");
    submit(".other");
    act("delete Object.prototype.extend");
    fire("pagehide", false);
    assert_eq!(of_kind("tracker_error").len(), 0);
    let sent = of_kind("form_submit");
    assert_eq!(sent[0].lead.as_ref().map(|lead| lead.kind.as_str()), Some("callback"));
    assert_eq!((phone(&sent[0]), sent[1].lead.is_some()), (Some("600000000"), false));
    assert!(!format!("{sent:?}").contains("SECRET"));
}

#[wasm_bindgen_test]
async fn forms_in_shadow_roots_and_frames_have_the_same_story() {
    let _tracker = started("<div id=host></div><iframe id=frame></iframe>", "{}").await;
    shadow(
        "#host",
        r#"<form name=shady data-traza-lead=form><input name=phone required><button>Send</button></form>"#,
    );
    act(r#"const inside = find('#frame').contentDocument;
        inside.body.innerHTML = '<form name=framed data-traza-lead=form><input name=phone><button>Send</button></form>';
        inside.querySelector("form").addEventListener("submit", (e) => e.preventDefault());
        find('#host').shadowRoot.addEventListener("submit", (e) => e.preventDefault());"#);
    // A visitor meets a root before anything is sent in it.
    act(
        r#"find('#host >>> input').dispatchEvent(new FocusEvent("focusin", { bubbles: true, composed: true }));
        find('#host >>> form').requestSubmit()"#,
    );
    type_into("#host >>> input", "600000000");
    act(r#"find('#host >>> form').requestSubmit();
        const field = find('#frame').contentDocument.querySelector("input");
        field.value = "600000001"; field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
        find('#frame').contentDocument.querySelector("button").click();"#);
    assert_eq!(
        told(),
        pairs(&[
            ("form_error", "phone"),
            ("form_start", "phone"),
            ("form_submit", ""),
            ("form_start", "phone"),
            ("form_submit", "")
        ])
    );
    let sent = of_kind("form_submit");
    let told: Vec<_> = sent.iter().map(|event| (event.form.as_deref(), phone(event))).collect();
    assert_eq!(told, [(Some("shady"), Some("600000000")), (Some("framed"), Some("600000001"))]);
}

#[wasm_bindgen_test]
async fn a_lead_in_a_frame_needs_no_other_sign_of_life() {
    // What the page hears of it: it loses the focus; and, once it has looked for frames, what is done in there.
    for (wait, sign) in [
        (0, "window.dispatchEvent(new FocusEvent('blur'))"),
        (2_500, "button.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, composed: true }))"),
    ] {
        let _tracker = started("<iframe id=frame></iframe>", "{}").await;
        act(r#"const inside = find('#frame').contentDocument;
            inside.body.innerHTML = '<form name=framed data-traza-lead=form><input name=phone><button>Send</button></form>';
            inside.querySelector("form").addEventListener("submit", (e) => e.preventDefault());"#);
        pause(wait).await;
        act(&format!(
            r#"const inside = find('#frame').contentDocument;
            const button = inside.querySelector("button"), field = inside.querySelector("input");
            {sign};
            field.value = "600000001"; field.dispatchEvent(new InputEvent("input", {{ bubbles: true, composed: true }}));
            button.click();"#
        ));
        assert_eq!(phone(&only("form_submit")), Some("600000001"), "{sign}");
        assert_eq!(of_kind("form_start").len(), 1);
    }
}

#[wasm_bindgen_test]
async fn hostile_names_do_no_harm_in_any_of_it() {
    let _tracker = started(
        r#"<form name=contact data-traza-lead=form><input name=submit><input name=matches><input name=closest><input name=getRootNode>
           <input name=localName><input name=form><input name=elements><input name=phone><button name=id>Send</button></form>"#,
        "{}",
    )
    .await;
    type_into("[name=phone]", "600000000");
    act("find('form').addEventListener('submit', (e) => e.preventDefault())");
    act("find('button').click()");
    fire("pagehide", false);
    assert_eq!((of_kind("form_submit").len(), of_kind("tracker_error").len()), (1, 0));
    assert_eq!(phone(&only("form_submit")), Some("600000000"));
}

#[wasm_bindgen_test]
async fn another_origins_frame_is_heard_if_it_is_one_of_the_sites_own() {
    let _tracker = started("<p>x</p>", "{}").await;
    let say = |origin: &str, data: &str| {
        act(&format!(
            "window.dispatchEvent(new MessageEvent('message', {{ origin: '{origin}', data: {data} }}))"
        ));
    };
    let lead = "{ traza: ['lead', { form: 'framed', phone: '600000000' }] }";
    for foreign in
        ["https://example.org", "https://badexample.com", "https://example.com.evil.example.org", "null", ""]
    {
        say(foreign, lead);
    }
    say("https://forms.example.com", "{ traza: ['consent', 'off'] }");
    say("https://forms.example.com", "'[object]'");
    say("https://forms.example.com", "null");
    fire("pagehide", false);
    assert_eq!(
        (of_kind("form_submit").len(), of_kind("consent").len(), of_kind("tracker_error").len()),
        (0, 0, 0)
    );
    say("https://forms.example.com:8443", lead);
    until("the lead", || of_kind("form_submit").len() == 1).await;
    assert_eq!(phone(&only("form_submit")), Some("600000000"));
}

//! What other tags are told: consent mode and purchases; and what a page says by itself.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::beacon::{Choice, Mode};

use crate::page::{Tracker, clean, events, go, kept, of_kind, pause, remember, sent, signal, tell, until};

#[wasm_bindgen_test]
async fn a_banners_word_is_the_visitors() {
    clean();
    tell(r#"["consent","default",{"analytics_storage":"granted"}]"#);
    let _tracker = Tracker::start("wait");
    pause(1_200).await;
    assert_eq!(sent().len(), 0, "a default is nobody's word");
    tell(r#"["consent","update",{"ad_storage":"granted"}]"#);
    tell(r#"["consent","update",{"analytics_storage":"granted"}]"#);
    until("the view", || of_kind("page_view").len() == 1).await;
    assert_eq!(sent()[0].envelope().choice, Choice::Explicit);
    tell(r#"["consent","update",{"analytics_storage":"denied"}]"#);
    until("the withdrawal", || sent().last().is_some_and(|post| post.envelope().mode == Some(Mode::Off)))
        .await;
    assert_eq!(kept("tz_v"), None);
}

#[wasm_bindgen_test]
async fn no_banner_speaks_louder_than_the_browser() {
    clean();
    signal(true);
    tell(r#"["consent","update",{"analytics_storage":"granted"}]"#);
    let tracker = Tracker::start("full");
    pause(1_200).await;
    assert_eq!(sent().len(), 0);
    tracker.consent("full");
    until("the visitor's own word counts", || of_kind("consent").len() == 1).await;
}

#[wasm_bindgen_test]
async fn a_purchase_is_told_once_in_minor_units() {
    clean();
    let _tracker = Tracker::start("full");
    let order = r#"{"transaction_id":"A-1","value":"19.99","currency":"EUR",
                    "items":[{"item_id":7,"item_name":"Panel","quantity":2,"price":9.99}]}"#;
    tell("null");
    tell(r#"{"event":"page_view"}"#);
    tell(&format!(r#"{{"event":"purchase","ecommerce":{order}}}"#));
    until("the purchase", || of_kind("purchase").len() == 1).await;
    tell(&format!(r#"["event","purchase",{order}]"#));
    tell(r#"["event","purchase",{"transaction_id":"A-2","value":1500,"currency":"JPY"}]"#);
    until("the other", || of_kind("purchase").len() == 2).await;
    let [first, second] = &of_kind("purchase")[..] else { panic!("two of them") };
    assert_eq!(
        (first.order_id.as_deref(), first.amount, first.currency.as_deref()),
        (Some("A-1"), Some(1999), Some("EUR"))
    );
    let items = first.items.clone().unwrap_or_default();
    assert_eq!((items[0].id.as_deref(), items[0].quantity, items[0].price), (Some("7"), Some(2), Some(999)));
    assert_eq!(second.amount, Some(1500), "a yen has no parts");
}

#[wasm_bindgen_test]
async fn a_purchase_that_was_told_badly_counts_once_it_is_told_well() {
    clean();
    let _tracker = Tracker::of("full", r#"{"currency":"EUR"}"#);
    tell(r#"["event","purchase",{"transaction_id":"B-1","value":10,"currency":"€"}]"#);
    tell(r#"["event","purchase",{"transaction_id":"B-2","value":10,"currency":null,"items":null}]"#);
    tell(
        r#"["event","purchase",{"transaction_id":"B-3","value":10,"currency":"EUR","items":[{"item_name":7}]}]"#,
    );
    until("two of them", || of_kind("purchase").len() == 2).await;
    tell(r#"["event","purchase",{"transaction_id":"B-1","value":10,"currency":"EUR"}]"#);
    until("the third", || of_kind("purchase").len() == 3).await;
    let told = of_kind("purchase");
    let orders: Vec<_> = told.iter().filter_map(|event| event.order_id.as_deref()).collect();
    assert_eq!(orders, ["B-2", "B-3", "B-1"]);
    let items = told[1].items.clone().unwrap_or_default();
    assert_eq!(items[0].name.as_deref(), Some("7"));
}

#[wasm_bindgen_test]
async fn a_layer_that_bites_is_left_alone() {
    clean();
    drop(js_sys::eval("window.dataLayer = [{ get event() { throw new Error('hands off'); } }, 7, null]"));
    let _tracker = Tracker::start("full");
    pause(2_500).await;
    tell(r#"["event","purchase",{"transaction_id":"A-3","value":1,"currency":"EUR"}]"#);
    until("what comes after", || of_kind("purchase").len() == 1).await;
    assert!(of_kind("tracker_error").is_empty());
}

#[wasm_bindgen_test]
async fn a_page_hands_in_a_lead_of_its_own() {
    for consent in ["full", "wait"] {
        clean();
        let tracker = Tracker::start(consent);
        tracker.lead(
            r#"{"kind":"callback","phone":600000000,"email":"ana@example.com","form":"modal","fields":{"city":"Vigo","how many":2},
                "consent":{"text_version":3,"purposes":"marketing"},"other":{"x":1}}"#,
        );
        until("the lead", || of_kind("form_submit").len() == 1).await;
        let event = &of_kind("form_submit")[0];
        let lead = event.lead.clone().expect("a lead");
        assert_eq!((event.form.as_deref(), lead.kind.as_str()), (Some("modal"), "callback"));
        assert_eq!(
            (lead.phone.as_deref(), lead.email.as_deref()),
            (Some("600000000"), Some("ana@example.com"))
        );
        assert_eq!((lead.fields["city"].as_str(), lead.fields["how many"].as_str()), ("Vigo", "2"));
        let agreed = lead.consent.expect("what was agreed to");
        assert_eq!(
            (agreed.text_version.as_deref(), agreed.purposes),
            (Some("3"), vec!["marketing".to_owned()])
        );
        if consent == "full" {
            assert_eq!(sent()[0].events()[0].kind, "page_view", "its story begins with its page");
            let posts = sent();
            let post = posts.iter().find(|post| post.events().iter().any(|event| event.lead.is_some()));
            assert!(post.expect("the lead's").envelope().context.tz.is_some(), "when to call back");
        } else {
            assert_eq!(events().len(), 1, "alone");
        }
    }
}

#[wasm_bindgen_test]
async fn who_works_here_is_marked() {
    clean();
    go("replace", "/?traza_internal=1");
    let tracker = Tracker::start("full");
    tracker.lead(r#"{"email":"ana@example.com"}"#);
    until("the lead", || of_kind("form_submit").len() == 1).await;
    let flag = |at: usize| of_kind("form_submit")[at].lead.clone().and_then(|lead| lead.flag);
    assert_eq!(flag(0).as_deref(), Some("test"));
    drop(tracker);
    go("replace", "/?traza_internal=0");
    let tracker = Tracker::start("full");
    tracker.lead(r#"{"email":"ana@example.com"}"#);
    until("another", || of_kind("form_submit").len() == 2).await;
    assert_eq!(flag(1), None);
    assert_eq!(kept("tz_i"), None);
}

#[wasm_bindgen_test]
async fn what_another_tab_is_sending_is_left_to_it() {
    clean();
    let now = js_sys::Date::now();
    remember("tz_q", &format!(r#"0{{"id":"old-2","at":{now},"page":"old","kind":"custom","name":"old"}}"#));
    remember("tz_l", &format!("{}", now + 2_500.0));
    let _tracker = Tracker::start("full");
    pause(1_800).await;
    assert!(of_kind("custom").is_empty());
    until("its time is over", || of_kind("custom").len() == 1).await;
    until("nothing is left behind", || kept("tz_q").is_none() && kept("tz_l").is_none()).await;
}

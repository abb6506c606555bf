//! Who is who, in real browsers and on the dashboard: one human on two devices, two humans on one, a mistake taken back.

use std::time::Duration;

use e2e::{beacon, binary::Binary, holds};
use serde_json::{Value, json};

use crate::{
    Stage,
    dashboard::sign_in,
    harness::{Browser, Engine, Wish},
    kinds, on_stage,
};

const AD: &str = "/demo/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=test-click";
const MAIL: &str = "/demo/?utm_source=boletin&utm_medium=email&utm_campaign=invierno";

/// The key, as WebDriver writes it.
const ENTER: &str = "\u{e007}";

const ANA: Human = Human { name: "Ana Ejemplo", email: "ana@example.com", phone: "600 000 001" };
const LUIS: Human = Human { name: "Luis Ejemplo", email: "luis@example.com", phone: "600 000 002" };

struct Human {
    name: &'static str,
    email: &'static str,
    phone: &'static str,
}

/// Another device: a browser with a profile of its own.
async fn device() -> Browser {
    Browser::start(Engine::Chromium, Wish::default()).await
}

/// Sends the contact form of the landing page that is open, and waits for the page that thanks and for the lead; gives
/// the lead.
async fn send_form(stage: &Stage, browser: &Browser, human: &Human) -> String {
    let before = stage.leads().await.len();
    browser.type_into("#nombre", human.name).await;
    browser.type_into("#email", human.email).await;
    browser.type_into("#telefono", human.phone).await;
    // By the keyboard: a page that scrolls smoothly on a busy machine moves away from under a pointer.
    browser.type_into("#privacidad", " ").await;
    browser.type_into("#contact-form [type=submit]", ENTER).await;
    browser.arrives_at("/demo/gracias.html").await;
    newest(stage, browser, before).await
}

/// The same with the form that asks for a call.
async fn ask_for_a_call(stage: &Stage, browser: &Browser, phone: &str) -> String {
    let before = stage.leads().await.len();
    browser.type_into("#callback-telefono", phone).await;
    browser.type_into("#callback-form [type=submit]", ENTER).await;
    browser.arrives_at("/demo/gracias.html").await;
    newest(stage, browser, before).await
}

async fn newest(stage: &Stage, browser: &Browser, before: usize) -> String {
    // The visit is over, so that nothing more comes of it.
    browser.becomes("document.readyState == 'complete'").await;
    let mut leads = Vec::new();
    holds("the lead is there, and confirmed", async || {
        leads = stage.leads().await;
        leads.len() == before + 1 && leads[0]["confirmed"] == true
    })
    .await;
    browser.open("about:blank").await;
    leads[0]["id"].as_str().unwrap().to_owned()
}

async fn get(stage: &Stage, path: &str) -> Value {
    stage.binary.client.get(&format!("/api/v1/sites/demo/{path}")).await.expect(200)
}

async fn lead(stage: &Stage, id: &str) -> Value {
    get(stage, &format!("leads/{id}")).await
}

/// What is told of the kinds that each story is about: kind, and by which evidence.
async fn told(stage: &Stage, id: &str) -> Vec<(String, String)> {
    let about = ["page_view", "form_start", "form_submit", "page_leave", "form_success", "call_click"];
    let items = stage.binary.client.lead_journey("demo", id).await;
    let times: Vec<_> = items.iter().map(|item| item["at"].as_i64().unwrap()).collect();
    assert!(times.is_sorted(), "in order: {items:#?}");
    let of = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = items.iter().filter(|item| about.contains(&kinds(std::slice::from_ref(*item))[0]));
    items.map(|item| (of(item, "kind"), of(item, "evidence"))).collect()
}

/// Waits for a whole journey: the last to arrive is that the thanking page was left.
async fn tells(stage: &Stage, id: &str, expected: &[(&str, &str)]) {
    let mut found = Vec::new();
    let expected: Vec<_> =
        expected.iter().map(|(kind, evidence)| ((*kind).to_owned(), (*evidence).to_owned())).collect();
    let whole = e2e::within(Duration::from_secs(30), async || {
        found = told(stage, id).await;
        (found == expected).then_some(())
    });
    if whole.await.is_none() {
        panic!("expected {expected:#?}, told {found:#?}");
    }
}

/// A visit in which a form was sent, when nothing else was done in it.
fn visit(evidence: &'static str, submission: &'static str) -> [(&'static str, &'static str); 7] {
    [
        ("page_view", evidence),
        ("form_start", evidence),
        ("form_submit", submission),
        ("page_leave", evidence),
        ("page_view", evidence),
        ("form_success", evidence),
        ("page_leave", evidence),
    ]
}

/// Opens a lead's page, as somebody who picks it from the list.
async fn open_lead(browser: &Browser, id: &str) {
    browser.value("location.hash = '#/leads'").await;
    browser.click(&format!(".leads a[href*='{id}']")).await;
    browser.find(".who:not([hidden]) .edge").await;
}

/// How many leads the report of campaigns counts for the ad.
async fn leads_of_the_ad(stage: &Stage) -> Value {
    stage.binary.client.settled().await;
    let report = get(stage, "reports/campaigns?group_by=campaign").await;
    let mut rows = report["rows"].as_array().unwrap().iter();
    rows.find(|row| row["key"]["campaign"] == "otono").unwrap()["values"]["leads"].clone()
}

/// How a person on the dashboard sees the journey: each visit's heading.
async fn visits_shown(browser: &Browser) -> Vec<String> {
    let headings =
        browser.value("[...document.querySelectorAll('.visit h3')].map((one) => one.innerText)").await;
    headings.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_form_and_a_callback_from_another_device_are_one_human_with_one_journey() {
    on_stage(None, async |stage| {
        let (phone, computer) = (device().await, &stage.browser);
        phone.open(&stage.page(AD)).await;
        let first = send_form(stage, &phone, &ANA).await;
        computer.open(&stage.page(MAIL)).await;
        let second = ask_for_a_call(stage, computer, ANA.phone).await;

        tells(
            stage,
            &first,
            &[visit("same_visitor", "submission"), visit("same_phone", "submission")].concat(),
        )
        .await;
        tells(
            stage,
            &second,
            &[visit("same_phone", "submission"), visit("same_visitor", "submission")].concat(),
        )
        .await;
        let (form, callback) = (lead(stage, &first).await, lead(stage, &second).await);
        assert_eq!((&form["kind"], &callback["kind"]), (&json!("form"), &json!("callback")));
        assert_eq!(form["person"], callback["person"]);
        assert_ne!(form["visitors"], callback["visitors"], "two browsers");
        assert_eq!((form.get("duplicate_of"), callback.get("duplicate_of")), (None, None), "two requests");
        assert_eq!(form["contact"]["email"], ANA.email);
        let origin = &callback["origin"];
        assert_eq!(
            (&origin["first"]["campaign"], &origin["last"]["campaign"]),
            (&json!("otono"), &json!("invierno")),
            "the ad on the telephone began it"
        );
        assert_eq!(form["origin"]["last"]["campaign"], "otono", "what came after a lead is no origin of it");

        // As the contact centre sees it.
        let browser = &phone;
        sign_in(stage, browser).await;
        browser.find(".col-person .sub").await;
        browser.picture("people-leads").await;
        open_lead(browser, &second).await;
        browser.find(".visit[data-elsewhere]").await;
        let shown = visits_shown(browser).await;
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(shown[0].to_lowercase().contains("browser a"), "the other one, by its letter: {shown:?}");
        assert!(!shown[1].to_lowercase().contains("browser"), "its own: {shown:?}");
        browser.shows("another browser, same phone").await;
        browser.shows("A form was sent in browser A with: +34 600 000 001.").await;
        browser.shows(ANA.email).await;
        browser.picture("people-one-human").await;
        assert_eq!(browser.errors().await, json!([]));
        phone.quit().await;
    });
}

#[test]
fn a_computer_used_by_two_keeps_them_apart() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        browser.open(&stage.page(AD)).await;
        let of_ana = send_form(stage, browser, &ANA).await;
        browser.open(&stage.page(MAIL)).await;
        let of_luis = send_form(stage, browser, &LUIS).await;

        for id in [&of_ana, &of_luis] {
            tells(stage, id, &visit("same_visitor", "submission")).await;
        }
        let (ana, luis) = (lead(stage, &of_ana).await, lead(stage, &of_luis).await);
        assert_eq!(ana["visitors"], luis["visitors"], "one browser");
        assert_ne!(ana["person"], luis["person"], "two humans");
        assert_eq!(ana["origin"]["first"]["campaign"], "otono");
        assert_eq!(luis["origin"]["first"]["campaign"], "invierno", "her ad did not bring him");
        let person = get(stage, &format!("persons/{}", luis["person"].as_str().unwrap())).await;
        assert_eq!(
            (&person["visitors"][0]["epoch"], person["leads"].as_array().unwrap().len()),
            (&json!(1), 1)
        );

        sign_in(stage, browser).await;
        open_lead(browser, &of_luis).await;
        browser.shows("shared: they are its user no. 2").await;
        let who = browser.value("document.querySelector('.who').innerText").await;
        let who = who.as_str().unwrap();
        assert!(who.contains(LUIS.email) && !who.contains(ANA.email), "{who}");
        assert_eq!(visits_shown(browser).await.len(), 1, "her visit is not in his story");
        browser.picture("people-shared").await;
        assert_eq!(browser.errors().await, json!([]));
    });
}

#[test]
fn a_mistaken_join_is_taken_back_on_the_dashboard_and_every_number_follows() {
    on_stage(None, async |stage| {
        let (of_ana, browser) = (device().await, &stage.browser);
        of_ana.open(&stage.page(AD)).await;
        let hers = ask_for_a_call(stage, &of_ana, ANA.phone).await;
        of_ana.quit().await;
        // Somebody else, who came by no ad, and mistypes their number.
        browser.open(&stage.page("/demo/")).await;
        let his = send_form(stage, browser, &Human { phone: ANA.phone, ..LUIS }).await;

        let joined = lead(stage, &his).await;
        assert_eq!(joined["person"], lead(stage, &hers).await["person"]);
        assert_eq!(joined["origin"]["first"]["campaign"], "otono");
        assert_eq!(joined["origin"]["last_non_direct"]["campaign"], "otono");
        let story = [visit("same_phone", "submission"), visit("same_visitor", "submission")].concat();
        tells(stage, &his, &story).await;

        assert_eq!(leads_of_the_ad(stage).await, 2, "he came by himself, and she by the ad before");

        sign_in(stage, browser).await;
        // The line of the campaign leads to the leads that it counts.
        browser.click("nav a[href^='#/campaigns']").await;
        browser.find(".campaigns tbody tr").await;
        browser.picture("people-campaigns").await;
        browser.click(".campaigns tbody a[href*='campaign=otono']").await;
        browser.becomes("document.querySelectorAll('.leads tbody tr').length == 2").await;
        browser.shows("Only those of").await;
        open_lead(browser, &his).await;
        browser.find(".visit[data-elsewhere]").await;
        // What says that his browser is of whoever has her number.
        let person = joined["person"].as_str().unwrap();
        let edges = get(stage, &format!("persons/{person}/edges")).await;
        let wrong = edges["items"].as_array().unwrap().iter().find(|edge| {
            edge["from"]["visitor"] == joined["visitors"][0] && edge["to"]["identifier"]["kind"] == "phone"
        });
        let wrong = wrong.unwrap()["id"].as_str().unwrap();
        let entry = format!(".edge[data-edge='{wrong}']");
        browser.picture("people-mistake").await;
        browser.click(&format!("{entry} button")).await;
        browser.type_into(&format!("{entry} [name=reason]"), "The number was mistyped").await;
        browser.picture("people-taking-back").await;
        browser.click(&format!("{entry} [type=submit]")).await;
        holds("they are two", async || {
            lead(stage, &his).await["person"] != lead(stage, &hers).await["person"]
        })
        .await;

        let apart = lead(stage, &his).await;
        assert_eq!(apart["person"], apart["visitors"][0]);
        for which in ["first", "last", "last_non_direct"] {
            assert_eq!(apart["origin"][which]["channel"], "direct", "the ad was not his: {which}");
        }
        tells(stage, &his, &visit("same_visitor", "submission")).await;
        tells(stage, &hers, &visit("same_visitor", "submission")).await;
        let alone = get(stage, &format!("persons/{}", apart["person"].as_str().unwrap())).await;
        assert_eq!(alone["leads"].as_array().unwrap().len(), 1);
        assert_eq!(alone["visitors"].as_array().unwrap().len(), 1);
        assert_eq!(leads_of_the_ad(stage).await, 1, "the report follows");
        // The page follows by itself, and says who and why.
        browser.becomes("document.querySelectorAll('.visit').length == 1").await;
        browser.find(&format!("{entry}[data-state=revoked]")).await;
        browser.shows("Taken back by Eva").await;
        browser.shows("The number was mistyped").await;
        browser.picture("people-taken-back").await;

        // And put back, as if nothing had been; but that it was is news to whoever keeps a copy.
        browser.click(&format!("{entry} button")).await;
        browser.type_into(&format!("{entry} [name=reason]"), "It was theirs after all").await;
        browser.click(&format!("{entry} [type=submit]")).await;
        holds("they are one again", async || {
            let mut again = lead(stage, &his).await;
            let (now, then) = (again["updated_at"].take(), joined["updated_at"].clone());
            again["updated_at"] = then.clone();
            again == joined && now.as_i64() > then.as_i64()
        })
        .await;
        tells(stage, &his, &story).await;
        assert_eq!(leads_of_the_ad(stage).await, 2);
        browser.find(".visit[data-elsewhere]").await;
        assert_eq!(browser.errors().await, json!([]));
    });
}

#[test]
fn what_does_not_fit_is_listed_and_the_wrong_piece_taken_back_there() {
    on_stage(None, async |stage| {
        let now = collector::clock::Clock::now(&collector::clock::System);
        // Two whom the site itself tells apart give the same address.
        for user in ["u-1", "u-2"] {
            let page = beacon::new_id();
            let shared =
                json!({"form": "contacto", "lead": {"kind": "form", "email": "familia@example.com"}});
            let events = [
                beacon::page_view(&page, now - 9000, "http://127.0.0.1/demo/"),
                beacon::event(&page, 1, now - 8000, "identify", json!({"user_id": user})),
                beacon::event(&page, 2, now - 7000, "form_submit", shared),
            ];
            stage.binary.client.store("demo", &beacon::full(&beacon::new_id(), events)).await;
        }
        holds("both leads are there", async || stage.leads().await.len() == 2).await;
        let conflicts = async || get(stage, "conflicts").await["items"].as_array().unwrap().len();
        assert_eq!(conflicts().await, 1);

        let browser = &stage.browser;
        sign_in(stage, browser).await;
        browser.click(".doubts a").await;
        browser.shows("It would be one person with two user ids.").await;
        browser.picture("people-conflicts").await;
        browser.click(".edge button").await;
        browser.type_into(".edge [name=reason]", "The address is the family's").await;
        browser.click(".edge [type=submit]").await;
        browser.shows("Everything fits").await;
        assert_eq!(conflicts().await, 0);
        assert_eq!(browser.errors().await, json!([]));
    });
}

/// The files of a store and what lies beside it, with what each holds.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Nothing that people gave stands in clear in any file.
fn nothing_in_clear(stage: &Stage) {
    let files = files(&stage.home.join(""));
    assert!(files.iter().any(|(path, bytes)| path.ends_with("data/db") && !bytes.is_empty()), "{files:?}");
    for secret in [ANA.email, ANA.name, "600000001", ANA.phone] {
        for (path, bytes) in &files {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", path.display());
        }
    }
}

/// What is counted: nothing of it may change by an erasure.
async fn counted(stage: &Stage) -> Vec<Value> {
    stage.binary.client.settled().await;
    let mut found = vec![json!(stage.leads().await.len()), stage.ledger().await];
    // That contact details were just looked at is a fact, too: the report says how many are not in it yet.
    let report = e2e::eventually("all is counted", Duration::from_secs(10), async || {
        let report = get(stage, "reports/counters?group_by=channel,campaign").await;
        (report["pending"] == 0).then_some(report)
    });
    found.push(report.await);
    found
}

#[test]
fn a_person_is_exported_and_forgotten_and_no_number_changes() {
    actix_web::rt::System::new().block_on(async {
        let mut stage = Stage::new(Engine::Chromium, Wish::default(), None).await;
        let (phone, of_luis) = (device().await, device().await);
        phone.open(&stage.page(AD)).await;
        let first = send_form(&stage, &phone, &ANA).await;
        stage.browser.open(&stage.page(MAIL)).await;
        let second = ask_for_a_call(&stage, &stage.browser, ANA.phone).await;
        of_luis.open(&stage.page(MAIL)).await;
        let his = send_form(&stage, &of_luis, &LUIS).await;
        let client = &stage.binary.client;
        let moved = json!({"stage": "mql", "by": "Eva", "reason": format!("{} wants an offer", ANA.name)});
        client.post_json(&format!("/api/v1/sites/demo/leads/{first}/stage"), &moved).await.expect(201);
        let person = lead(&stage, &first).await["person"].as_str().unwrap().to_owned();
        nothing_in_clear(&stage);

        let export = get(&stage, &format!("persons/{person}/export")).await.to_string();
        for own in [ANA.email, ANA.name, "+34600000001", first.as_str(), second.as_str(), "wants an offer"] {
            assert!(export.contains(own), "{own} in {export}");
        }
        for other in [LUIS.email, his.as_str()] {
            assert!(!export.contains(other), "{other} is of somebody else: {export}");
        }

        let (before, of_him) = (counted(&stage).await, lead(&stage, &his).await);
        let erased =
            client.post_json(&format!("/api/v1/sites/demo/persons/{person}/erase"), &json!({})).await;
        assert_eq!(erased.expect(200)["leads"].as_array().unwrap().len(), 2);
        assert_eq!(counted(&stage).await, before, "no number changes");
        for id in [&first, &second] {
            let left = lead(&stage, id).await;
            assert_eq!(left.get("contact"), None, "{left}");
            assert!(left["flags"].as_array().unwrap().contains(&json!("erased")), "{left}");
            assert_eq!(left["visitors"], json!([]));
            let journey = client.lead_journey("demo", id).await;
            assert!(journey.iter().all(|item| item["evidence"] == "record"), "{journey:#?}");
            assert!(!json!(journey).to_string().contains(ANA.name));
        }
        assert_eq!(lead(&stage, &his).await, of_him, "somebody else is as before");
        sign_in(&stage, &phone).await;
        phone.click(&format!(".leads a[href*='{first}']")).await;
        phone.shows("Personal data erased").await;
        phone.picture("people-forgotten").await;
        assert_eq!(phone.errors().await, json!([]));

        // What she gave is a stranger's.
        phone.open(&stage.page("/demo/")).await;
        let again = ask_for_a_call(&stage, &phone, ANA.phone).await;
        let again = lead(&stage, &again).await;
        let stranger = get(&stage, &format!("persons/{}", again["person"].as_str().unwrap())).await;
        assert_eq!(stranger["leads"].as_array().unwrap().len(), 1, "{stranger}");
        assert_eq!(stranger["identifiers"], json!([{"kind": "phone", "value": "+34600000001"}]));
        assert_eq!(again["origin"]["first"]["channel"], "direct", "nothing is remembered");

        let then = counted(&stage).await;
        for browser in [phone, of_luis] {
            browser.quit().await;
        }
        assert!(stage.binary.terminate().await.success());
        stage.home.run(&["rebuild"]).well();
        stage.home.run(&["verify"]).well();
        nothing_in_clear(&stage);
        let mut command = stage.home.serve();
        command.arg("--demo");
        stage.binary = Binary::run(&stage.home, command).await;
        assert_eq!(counted(&stage).await, then, "the log alone says the same");
        assert_eq!(lead(&stage, &his).await, of_him);
        stage.end().await;
    });
}

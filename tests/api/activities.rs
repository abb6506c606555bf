//! `POST events`: e-mails, surveys, webinars and calls, at whoever it is; and nothing else moves.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, event, full, page_view},
    client::{Answer, send},
};
use reqwest::Method;
use serde_json::{Value, json};

const AD: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";
const EMAIL: &str = "ana@example.com";

async fn post(app: &TestApp, body: &Value) -> Answer {
    app.client.post_json("/api/v1/sites/acme/events", body).await
}

fn form(page: &str, n: u32, at: i64, email: &str) -> Value {
    let lead = json!({"kind": "form", "email": email, "phone": "600 000 001"});
    event(page, n, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

/// Ana, who left a lead on each of two browsers. Their ids, newest first.
async fn app_with_ana() -> (TestApp, [String; 2]) {
    let app = TestApp::spawn().await;
    let first = [page_view("p", NOW - DAY, AD), form("p", 1, NOW - DAY + 5, EMAIL)];
    app.client.store("acme", &full("v", first)).await;
    app.client.store("acme", &full("w", [page_view("q", NOW - 9, AD), form("q", 1, NOW - 8, EMAIL)])).await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads[0]["person"], leads[1]["person"], "one human");
    let ids = [0, 1].map(|index| leads[index]["id"].as_str().unwrap().to_owned());
    (app, ids)
}

fn told(id: &str, kind: &str, at: i64, props: &Value) -> Value {
    json!({"external_id": id, "kind": kind, "at": at, "match": {"email": EMAIL}, "props": props})
}

async fn journey(app: &TestApp, lead: &str) -> Value {
    app.client.settled().await;
    app.client.get(&format!("/api/v1/sites/acme/leads/{lead}/journey?limit=500")).await.expect(200)
}

fn of_kind<'a>(journey: &'a Value, kind: &str) -> Vec<&'a Value> {
    journey["items"].as_array().unwrap().iter().filter(|item| item["kind"] == kind).collect()
}

#[tokio::test]
async fn every_kind_stands_on_the_journey_of_each_lead_of_the_person_and_moves_nothing() {
    let (app, [newest, oldest]) = app_with_ana().await;
    let before = app.client.leads("acme").await;
    let cases = [
        ("email_sent", json!({"message": "otono-1", "campaign": "otoño"})),
        ("email_bounced", json!({"message": "otono-0", "motivo": "lleno"})),
        ("email_opened", json!({"message": "otono-1"})),
        ("email_clicked", json!({"message": "otono-1", "link": "https://example.com/a?s=1&utm_id=7"})),
        ("survey_response", json!({"score": 9, "comment": "Todo bien, llamar a Eva", "encuesta": "nps"})),
        ("webinar_attended", json!({"webinar": "Placas", "minutos": 42, "en_directo": true, "nota": 4.5})),
        ("newsletter_joined", json!({})),
        ("call_summary", json!({"summary": "Quiere\nfinanciar", "agent": "Eva Ejemplo"})),
        ("custom", json!({"name": "feria", "quien": "ana@example.com"})),
    ];
    for (n, (kind, props)) in (0..).zip(&cases) {
        let lead = post(&app, &told(&format!("e-{n}"), kind, NOW + n, props)).await.expect(201);
        assert_eq!(lead["id"], newest, "noted at the newest: {kind}");
    }
    app.client.settled().await;
    let mut after = app.client.leads("acme").await;
    assert_eq!(after[0]["updated_at"], NOW);
    after[0]["updated_at"] = before[0]["updated_at"].clone();
    // A link that was followed is worth five points to either lead, and nothing else is worth any.
    for (after, before) in after.iter_mut().zip(&before) {
        assert_eq!(after["score"].as_i64(), before["score"].as_i64().map(|score| score + 5));
        for field in ["score", "score_parts"] {
            after[field] = before[field].clone();
        }
    }
    assert_eq!(after, before, "no stage, no touch, no attempt");

    for lead in [&newest, &oldest] {
        let journey = journey(&app, lead).await;
        for (n, (kind, props)) in (0_i64..).zip(&cases) {
            let [item] = of_kind(&journey, kind)[..] else { panic!("{kind} in {journey}") };
            assert_eq!((&item["at"], &item["evidence"]), (&json!(NOW + n), &json!("record")), "{kind}");
            assert_eq!(item["external_id"], format!("e-{n}"));
            let low = *kind == "email_opened";
            assert_eq!(item["trust"], if low { json!("low") } else { Value::Null }, "{kind}");
            let mut expected = props.clone();
            match *kind {
                "email_clicked" => expected["link"] = json!("https://example.com/a?utm_id=7"),
                "custom" => expected["quien"] = json!("…"),
                _ => {}
            }
            assert_eq!(item["props"], expected, "{kind}: as it was told, short of what is cut");
        }
    }

    let marketing = app.client.role("marketing", "acme").await;
    let seen = json!(marketing.lead_journey("acme", &newest).await).to_string();
    for hidden in ["Eva", "financiar", "example.com\""] {
        assert!(!seen.contains(hidden), "{hidden} in {seen}");
    }
    assert!(seen.contains("\"score\":9"));
}

#[tokio::test]
async fn of_each_message_it_is_known_whether_it_arrived_and_was_opened() {
    let (app, [_, oldest]) = app_with_ana().await;
    let sent = |n: i64, message: &str| {
        told(&format!("s{n}"), "email_sent", NOW + n, &json!({"message": message, "campaign": "otono"}))
    };
    let did = |n: i64, kind: &str, message: &str, link: Option<&str>| {
        told(&format!("d{n}"), kind, NOW + n, &json!({"message": message, "link": link}))
    };
    let items = [
        sent(1, "a"),
        sent(2, "b"),
        sent(3, "c"),
        did(10, "email_opened", "a", None),
        did(11, "email_opened", "a", None),
        did(12, "email_clicked", "a", Some("oferta")),
        did(13, "email_clicked", "a", Some("oferta")),
        did(14, "email_bounced", "b", None),
    ];
    let answer = post(&app, &json!({"items": items})).await.expect(200);
    assert_eq!((&answer["created"], &answer["failed"]), (&json!(8), &json!(0)), "{answer}");
    let emails = journey(&app, &oldest).await["emails"].clone();
    let of = |message: &str, rest: Value| {
        let mut expected = json!({"message": message, "campaign": "otono", "bounced_at": null, "opened": false, "opened_at": null,
                                  "opens": 0, "clicked_at": null, "clicks": 0, "clicked": []});
        expected.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        expected
    };
    let expected = json!([
        of(
            "a",
            json!({"sent_at": NOW + 1, "opened": true, "opened_at": NOW + 10, "opens": 2, "clicked_at": NOW + 12,
                       "clicks": 2, "clicked": ["oferta"]})
        ),
        of("b", json!({"sent_at": NOW + 2, "bounced_at": NOW + 14})),
        of("c", json!({"sent_at": NOW + 3})),
    ]);
    assert_eq!(emails, expected);
}

#[tokio::test]
async fn told_again_it_is_no_second_one_and_told_otherwise_it_is_amended() {
    let (app, [newest, _]) = app_with_ana().await;
    let survey = told("e-1", "survey_response", NOW, &json!({"score": 3}));
    let first = post(&app, &survey).await.expect(201);
    assert_eq!(post(&app, &survey).await.expect(200), first);
    // She comes back with another lead: what was told stays where it was.
    app.client.store("acme", &full("v", [form("p", 2, NOW + 5, EMAIL)])).await;
    app.client.settled().await;
    assert_eq!(post(&app, &survey).await.expect(200)["id"], newest);
    let better = told("e-1", "survey_response", NOW, &json!({"score": 8}));
    assert_eq!(post(&app, &better).await.expect(200)["id"], newest);
    let journey = journey(&app, &newest).await;
    let surveys: Vec<_> = of_kind(&journey, "survey_response")
        .into_iter()
        .map(|item| (&item["props"]["score"], item["amended"] == true))
        .collect();
    assert_eq!(surveys, [(&json!(3), true), (&json!(8), false)], "what it said before stays");
    // An external id stays with its person.
    app.client.store("acme", &full("x", [callback("o", 1, NOW, "600 000 009")])).await;
    app.client.settled().await;
    let other = json!({"external_id": "e-1", "kind": "survey_response", "match": {"phone": "600 000 009"}});
    post(&app, &other).await.problem(409, "conflict");
}

#[tokio::test]
async fn whom_it_is_about_is_never_guessed() {
    let (app, [newest, oldest]) = app_with_ana().await;
    // Two whom the site knows apart by their ids gave one number later.
    for at in [NOW - 2 * DAY, NOW - DAY] {
        for (name, user, id) in [("luis", "u-2", "l-2"), ("eva", "u-3", "l-3")] {
            let mut lead = json!({"kind": "form", "user_id": user, "external_id": id, "at": at});
            lead["email"] = json!(format!("{name}@example.com"));
            if at > NOW - 2 * DAY {
                lead["phone"] = json!("600 000 009");
            }
            let told = app.client.post_json("/api/v1/sites/acme/leads", &lead).await;
            assert!(matches!(told.status, 200 | 201), "{told:?}");
        }
    }
    app.client.settled().await;
    let sent = |matching: Value| json!({"external_id": "e", "kind": "email_sent", "match": matching});
    let problem = post(&app, &sent(json!({"phone": "600 000 009"}))).await.problem(409, "conflict");
    assert_eq!(problem["candidates"].as_array().unwrap().len(), 2, "{problem}");
    post(&app, &sent(json!({"email": "nadie@example.com"}))).await.problem(404, "not-found");
    post(&app, &sent(json!({"ref": "x-9"}))).await.problem(404, "not-found");
    let found = [
        (json!({"match": {"phone": "600 000 001"}}), newest.clone()),
        (json!({"match": {"ref": "p-1"}}), oldest.clone()),
        (json!({"lead": "ref:p-1"}), oldest.clone()),
        (json!({"lead": oldest}), oldest.clone()),
        (json!({"match": {"email": "LUIS@example.com"}}), String::new()),
    ];
    for (n, (whom, expected)) in (0..).zip(found) {
        let mut body = whom.clone();
        body["external_id"] = json!(format!("f-{n}"));
        body["kind"] = json!("newsletter_joined");
        let lead = post(&app, &body).await.expect(201);
        assert!(expected.is_empty() || lead["id"] == expected, "{whom}: {lead}");
    }
    let site = app.app().directory.site("acme").unwrap().number;
    let known = app.app().store.claimed(site, "activity", "e").await.unwrap();
    assert!(known.is_none(), "nothing was recorded of what was refused");
}

#[tokio::test]
async fn what_is_wrong_is_pointed_at_and_harms_no_neighbour() {
    let (app, [newest, _]) = app_with_ana().await;
    let with = |name: &str, value: Value| {
        let mut body = told("bad", "survey_response", NOW, &json!({"score": 5}));
        body[name] = value;
        body
    };
    let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("p{n}"), json!(n))).collect();
    let cases = [
        (with("kind", json!("email_eaten")), "/kind"),
        (with("kind", json!(7)), "/kind"),
        (with("external_id", json!("")), "/external_id"),
        (with("external_id", json!("x".repeat(129))), "/external_id"),
        (with("at", json!("ayer")), "/at"),
        (with("at", json!(NOW + 2 * DAY)), "/at"),
        (with("match", json!({})), "/match"),
        (with("match", json!({"email": "ana"})), "/match/email"),
        (with("match", json!({"email": EMAIL, "phone": "600 000 001"})), "/match"),
        (with("lead", json!(newest)), "/match"),
        (with("props", json!({"score": 11})), "/props/score"),
        (with("props", json!({"score": "9"})), "/props/score"),
        (with("props", json!({"a": {"b": 1}})), "/props/a"),
        (with("props", json!({"a": "x".repeat(257)})), "/props/a"),
        (with("props", json!([1])), "/props"),
        (with("props", Value::Object(many)), "/props"),
    ];
    for (body, pointer) in &cases {
        post(&app, body).await.problem_at(400, "invalid", pointer);
    }
    for (body, pointer) in [
        (json!([]), ""),
        (json!({"items": []}), "/items"),
        (json!({"items": {}}), "/items"),
        (json!({"items": vec![1; 501]}), "/items"),
    ] {
        post(&app, &body).await.problem_at(400, "invalid", pointer);
    }
    // Among others each is judged alone, and what is said twice in one list is as said one after the other.
    let mut items: Vec<Value> = cases.iter().map(|(body, _)| body.clone()).collect();
    items.insert(3, told("good", "email_sent", NOW, &json!({"message": "a"})));
    items.push(told("good", "email_sent", NOW, &json!({"message": "a"})));
    items.push(told("good", "email_sent", NOW, &json!({"message": "b"})));
    items.push(json!(7));
    let answer = post(&app, &json!({"items": items})).await.expect(200);
    let counts = ["created", "duplicate", "amended", "failed"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, cases.len() as u64 + 1], "{answer}");
    let verdicts = answer["items"].as_array().unwrap();
    assert!((0..).zip(verdicts).all(|(n, verdict)| verdict["index"] == n), "in their order");
    assert_eq!((&verdicts[3]["verdict"], &verdicts[3]["lead"]), (&json!("created"), &json!(newest)));
    assert_eq!(verdicts[1]["errors"][0]["pointer"], "/items/1/kind");
    let journey = journey(&app, &newest).await;
    assert_eq!(of_kind(&journey, "survey_response").len(), 0, "nothing of the bad ones was kept");
    assert_eq!(of_kind(&journey, "email_sent").len(), 2);
}

#[tokio::test]
async fn those_tell_who_may_find_people() {
    let (app, _) = app_with_ana().await;
    let sent = told("e", "email_sent", NOW, &json!({}));
    let newest = post(&app, &sent).await.expect(201)["id"].clone();
    for (role, status) in
        [("ingest", 200), ("marketing", 403), ("sales", 200), ("agent", 403), ("admin", 200)]
    {
        let client = app.client.role(role, "acme").await;
        let answer = client.post_json("/api/v1/sites/acme/events", &sent).await;
        assert_eq!(answer.status, status, "{role}: {answer:?}");
        if role == "ingest" {
            assert_eq!(answer.json(), json!({"lead": newest}), "it reads nothing");
        }
    }
    let bare = app.client.bare(Method::POST, "/api/v1/sites/acme/events").json(&sent);
    send(bare).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn they_come_in_files_too() {
    let (app, [newest, _]) = app_with_ana().await;
    let import = async |csv: &str, query: &str| {
        let request = app.client.request(Method::POST, &format!("/api/v1/sites/acme/imports/events{query}"));
        send(request.header("content-type", "text/csv").body(csv.to_owned())).await
    };
    let csv = "id;evento;fecha;correo;mensaje;puntuación;comentario;prop.sala;nombre\n\
               a;correo enviado;2026-11-20 10:00;ana@example.com;otono-1;;;;Ana Ejemplo\n\
               b;Encuesta;2026-11-21;ana@example.com;;9;Muy bien;B;Ana Ejemplo\n\
               c;Encuesta;2026-11-21;ana@example.com;;11;;;\n\
               d;email_eaten;;ana@example.com;;;;;\n\
               e;webinar;;nadie@example.com;;;;;\n\
               f;email_opened;;ana@example.com;otono-1;;;;\n";
    let dry = import(csv, "?dry_run=true").await.expect(200);
    assert_eq!((&dry["created"], &dry["failed"]), (&json!(3), &json!(3)), "{dry}");
    assert_eq!(journey(&app, &newest).await["emails"], json!([]), "nothing is kept of a dry run");
    let answer = import(csv, "").await.expect(200);
    let verdicts: Vec<_> =
        answer["items"].as_array().unwrap().iter().map(|item| item["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["created", "created", "error", "error", "error", "created"], "{answer}");
    assert_eq!(
        (&answer["items"][2]["column"], &answer["items"][3]["column"]),
        (&json!("puntuación"), &json!("evento"))
    );
    assert_eq!(answer["ignored_columns"], json!(["nombre"]), "a name is no property");
    let journey = journey(&app, &newest).await;
    assert_eq!(
        of_kind(&journey, "survey_response")[0]["props"],
        json!({"score": 9, "comment": "Muy bien", "sala": "B"})
    );
    assert_eq!(journey["emails"][0]["opened"], true);
    assert!(!journey.to_string().contains("Ana Ejemplo"));
    assert_eq!(import(csv, "").await.expect(200)["duplicate"], 3, "and nothing twice");
}

#[tokio::test]
async fn what_was_written_is_forgotten_with_the_person_and_a_rebuild_agrees() {
    let (mut app, [newest, oldest]) = app_with_ana().await;
    let survey = told("e-1", "survey_response", NOW, &json!({"score": 2, "comment": "llamar a Obdulia"}));
    post(&app, &survey).await.expect(201);
    post(&app, &told("e-2", "email_opened", NOW, &json!({"message": "a"}))).await.expect(201);
    let export = app.client.get(&format!("/api/v1/sites/acme/persons/{oldest}/export")).await.expect(200);
    assert!(export["records"].to_string().contains("Obdulia"), "{}", export["records"]);
    let erased = app
        .client
        .post_json(&format!("/api/v1/sites/acme/persons/{oldest}/erase"), &json!({}))
        .await
        .expect(200);
    // Two forms and a comment.
    assert_eq!(erased["submissions"], 3, "{erased}");
    let left = journey(&app, &newest).await;
    assert_eq!(of_kind(&left, "survey_response")[0]["props"], json!({"score": 2}));
    post(&app, &told("e-3", "email_opened", NOW, &json!({}))).await.problem(404, "not-found");

    let site = app.app().directory.site("acme").unwrap().number;
    // A stop writes down who looked, which is a fact, too.
    app.restart().await;
    app.client.settled().await;
    let dump = app.app().store.dump(site).await.unwrap();
    app.app().store.reset(site).await.unwrap();
    app.restart().await;
    app.client.settled().await;
    assert_eq!(app.app().store.dump(site).await.unwrap(), dump);
    assert_eq!(journey(&app, &newest).await, left);
}

//! `POST imports/{kind}`: a verdict for every row, and nothing lost.

use e2e::{
    NOW, TestApp,
    beacon::{callback, full, page_view},
    client::{Answer, send},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn post(app: &TestApp, path: &str, csv: &str) -> Answer {
    let request = app.client.request(Method::POST, &format!("/api/v1/sites/acme/imports/{path}"));
    send(request.header("content-type", "text/csv").body(csv.to_owned())).await
}

async fn lead(app: &TestApp, id: &str) -> Value {
    app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200)
}

fn verdicts(answer: &Value) -> Vec<(u64, &str)> {
    let items = answer["items"].as_array().unwrap().iter();
    items.map(|item| (item["row"].as_u64().unwrap(), item["verdict"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn leads_come_in_by_columns_of_either_language() {
    let app = TestApp::spawn().await;
    app.client.put_site("acme", &json!({"domains": ["example.com"], "lead_fields": ["provincia"]})).await;
    let english = "external_id,name,email,phone,at,kind,consent\n\
                   a-1,Ana Ejemplo,ana@example.com,600 000 001,2026-11-20 10:00,call,\"ads, marketing\"\n\
                   a-2,\"Ejemplo, Eva\",,600 000 002,,,\n";
    let spanish = "\u{feff}ID;Nombre;Correo electrónico;Teléfono;Fecha;Tipo;provincia;nota\n\
                   b-1;Ana Ejemplo;;600 000 003;20/11/2026;llamada;Soria;x\n\
                   b-2;Eva Ejemplo;eva@example.com;no lo doy;;;;\n";
    let answer = post(&app, "leads", english).await.expect(200);
    assert_eq!(verdicts(&answer), [(2, "created"), (3, "created")], "{answer}");
    assert_eq!((&answer["rows"], &answer["created"], &answer["failed"]), (&json!(2), &json!(2), &json!(0)));
    let ana = lead(&app, "ext:a-1").await;
    assert_eq!(ana["id"], answer["items"][0]["lead"]);
    // 10:00 in Madrid.
    assert_eq!((&ana["kind"], &ana["created_at"]), (&json!("call"), &json!(1_795_165_200_000_i64)));
    assert_eq!(ana["consent"]["purposes"], json!(["ads", "contact", "marketing"]));
    let eva = lead(&app, "ext:a-2").await;
    assert_eq!((&eva["kind"], &eva["contact"]["name"]), (&json!("import"), &json!("Ejemplo, Eva")));
    assert_eq!(eva["consent"], json!(null), "a list that is imported asked for nothing");

    let answer = post(&app, "leads", spanish).await.expect(200);
    assert_eq!(answer["created"], 2, "{answer}");
    assert_eq!(answer["ignored_columns"], json!(["nota"]));
    let ana = lead(&app, "ext:b-1").await;
    assert_eq!((&ana["kind"], &ana["contact"]["fields"]), (&json!("call"), &json!({"provincia": "Soria"})));
    assert_eq!(lead(&app, "ext:b-2").await["flags"], json!(["invalid_phone"]), "no lead is dropped");

    let again = post(&app, "leads", english).await.expect(200);
    assert_eq!((&again["created"], &again["duplicate"]), (&json!(0), &json!(2)), "{again}");
    let other = english.replace("600 000 001", "600 000 009");
    let amended = post(&app, "leads", &other).await.expect(200);
    assert_eq!(verdicts(&amended), [(2, "amended"), (3, "duplicate")]);
    assert_eq!(lead(&app, "ext:a-1").await["contact"]["phone"], "+34600000009");
    assert_eq!(app.client.leads("acme").await.len(), 4);
}

#[tokio::test]
async fn a_bad_row_is_named_and_the_others_are_in_or_not_as_asked() {
    let csv = "external_id,phone,at\n\
               a,600 000 001,\n\
               b,600 000 002,ayer\n\
               ,600 000 003,\n\
               d,600 000 004\n\
               \n\
               e,,\n\
               f,600 000 006,\n";
    let app = TestApp::spawn().await;
    let answer = post(&app, "leads?dry_run=true", csv).await.expect(200);
    assert_eq!(
        (&answer["dry_run"], &answer["created"], &answer["failed"]),
        (&json!(true), &json!(2), &json!(4))
    );
    assert!(app.client.leads("acme").await.is_empty(), "nothing is kept of a dry run");

    let answer = post(&app, "leads", csv).await.expect(200);
    let expected = [(2, "created"), (3, "error"), (4, "error"), (5, "error"), (7, "error"), (8, "created")];
    assert_eq!(verdicts(&answer), expected, "{answer}");
    let columns: Vec<_> = [1, 2, 3, 4].iter().map(|index| &answer["items"][*index]["column"]).collect();
    assert_eq!(columns, [&json!("at"), &json!("external_id"), &json!(null), &json!("phone")], "{answer}");
    assert_eq!(app.client.leads("acme").await.len(), 2);

    let app = TestApp::spawn().await;
    let answer = post(&app, "leads?on_error=stop", csv).await.expect(200);
    assert_eq!((verdicts(&answer), &answer["stopped_at"]), (vec![(2, "created"), (3, "error")], &json!(3)));
    assert_eq!(app.client.leads("acme").await.len(), 1, "what stood before it is in");
}

async fn app_with_leads() -> TestApp {
    let app = TestApp::spawn().await;
    let url = "https://www.example.com/";
    app.client
        .store(
            "acme",
            &full("v", [page_view("p", NOW - 9000, url), callback("p", 1, NOW - 8000, "600 000 001")]),
        )
        .await;
    app.client.store("acme", &full("w", [callback("q", 1, NOW - 7000, "600 000 002")])).await;
    app.client.settled().await;
    app
}

#[tokio::test]
async fn sales_are_reconciled_row_by_row() {
    let app = app_with_leads().await;
    let sold = |id: &str, amount: i64| json!({"external_id": id, "amount": amount, "currency": "EUR", "at": "2026-11-20T10:00:00Z"});
    for (lead, sale) in
        [("p-1", sold("s-1", 10_000)), ("p-1", sold("s-2", 20_000)), ("q-1", sold("s-3", 30_000))]
    {
        app.client.post_json(&format!("/api/v1/sites/acme/leads/ref:{lead}/sales"), &sale).await.expect(201);
    }
    let csv = "id;importe;fecha;teléfono;devolución de\n\
               s-1;100,00;2026-11-20T10:00:00Z;600 000 001;\n\
               s-2;250,50;2026-11-20T10:00:00Z;600 000 001;\n\
               s-4;1.400,00;2026-11-21T10:00:00Z;600 000 002;\n\
               s-5;1.400;2026-11-21T10:00:00Z;600 000 002;\n\
               s-6;10,00;2026-11-21T10:00:00Z;600 000 009;\n\
               r-1;-150,00;2026-11-21T10:00:00Z;600 000 001;s-2\n\
               r-2;-150,00;2026-11-21T10:00:00Z;600 000 001;s-2\n";
    let dry = post(&app, "sales?dry_run=true", csv).await.expect(200);
    assert_eq!((&dry["duplicate"], &dry["amended"]), (&json!(1), &json!(1)), "{dry}");
    let answer = post(&app, "sales", csv).await.expect(200);
    let expected = [
        (2, "duplicate"),
        (3, "amended"),
        (4, "created"),
        (5, "error"),
        (6, "error"),
        (7, "created"),
        (8, "error"),
    ];
    assert_eq!(verdicts(&answer), expected, "{answer}");
    assert_eq!(answer["items"][1]["before"]["amount"], 20_000, "what the other side said");
    assert_eq!(answer["items"][3]["column"], "importe", "thousands or decimals");
    assert_eq!(answer["items"][6]["column"], "importe", "more than is left");
    let missing: Vec<_> =
        answer["missing_in_file"].as_array().unwrap().iter().map(|sale| &sale["external_id"]).collect();
    assert_eq!(missing, ["s-3"]);
    let amounts = lead(&app, "ref:p-1").await["sales"]["amounts"].clone();
    assert_eq!(amounts, json!({"EUR": 10_000 + 25_050 - 15_000}));
    assert_eq!(lead(&app, "ref:q-1").await["sales"]["amounts"], json!({"EUR": 170_000}));
}

#[tokio::test]
async fn attempts_and_costs_come_in_too() {
    let app = app_with_leads().await;
    let attempts = "call id;resultado;agente;ref;fecha\n\
                    c-1;no contesta;Eva Ejemplo;p-1;2026-11-21 10:00\n\
                    c-2;contactado;Eva Ejemplo;p-1;2026-11-21 11:00\n\
                    c-3;quizás;;p-1;\n\
                    c-4;contactado;;x-9;\n";
    let answer = post(&app, "attempts", attempts).await.expect(200);
    assert_eq!(verdicts(&answer), [(2, "created"), (3, "created"), (4, "error"), (5, "error")], "{answer}");
    assert_eq!(answer["items"][2]["column"], "resultado");
    assert_eq!(lead(&app, "ref:p-1").await["attempts"]["count"], 2);

    let costs = "día,fuente,campaña,coste,impresiones,clics\n\
                 01/11/2026,google,otoño,\"12,50\",100,10\n\
                 2026-11-02,google,otoño,7.25,50,5\n\
                 2026-11-31,google,otoño,1,1,1\n";
    let answer = post(&app, "costs", costs).await.expect(200);
    assert_eq!(verdicts(&answer), [(2, "created"), (3, "created"), (4, "error")], "{answer}");
    assert_eq!(answer["items"][2]["column"], "día");
    assert_eq!(post(&app, "costs", costs).await.expect(200)["duplicate"], 2);
}

#[tokio::test]
async fn what_is_no_file_of_the_kind_is_refused_whole() {
    let app = app_with_leads().await;
    post(&app, "leads", "name,phone\nAna,600 000 001\n").await.problem_at(400, "invalid", "header");
    post(&app, "leads", "external_id,name\na,Ana\n").await.problem_at(400, "invalid", "header");
    post(&app, "leads", "external_id,phone,teléfono\na,1,2\n").await.problem_at(400, "invalid", "teléfono");
    post(&app, "leads", "").await.problem(400, "invalid");
    post(&app, "leads?dry_run=maybe", "external_id,phone\n").await.problem_at(400, "invalid", "dry_run");
    post(&app, "leads?on_error=cry", "external_id,phone\n").await.problem_at(400, "invalid", "on_error");
    post(&app, "people", "external_id,phone\n").await.problem(404, "not-found");
    let large = format!("external_id,phone\n{}", "a,600 000 001\n".repeat(800_000));
    post(&app, "leads", &large).await.problem(413, "too-large");
    let request = app.client.request(Method::POST, "/api/v1/sites/acme/imports/leads");
    send(request.header("content-type", "application/json").body("{}"))
        .await
        .problem(415, "unsupported-media-type");
    let latin = app.client.request(Method::POST, "/api/v1/sites/acme/imports/leads");
    send(latin.header("content-type", "text/csv").body(b"external_id,tel\xe9fono\n".to_vec()))
        .await
        .problem(400, "invalid");
    assert_eq!(app.client.leads("acme").await.len(), 2);
    let empty = post(&app, "leads", "external_id,phone\n").await.expect(200);
    assert_eq!((&empty["rows"], &empty["items"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn each_role_imports_what_it_may_tell() {
    let app = app_with_leads().await;
    let expected = [
        ("ingest", [200, 200]),
        ("marketing", [403, 403]),
        ("sales", [403, 200]),
        ("agent", [403, 403]),
        ("admin", [200, 200]),
    ];
    for (role, statuses) in expected {
        let client = app.client.role(role, "acme").await;
        let files = [("leads", "external_id,phone\n"), ("attempts", "external_id,outcome,ref\n")];
        for ((kind, csv), status) in files.iter().zip(statuses) {
            let request = client.request(Method::POST, &format!("/api/v1/sites/acme/imports/{kind}"));
            let answer = send(request.header("content-type", "text/csv").body(*csv)).await;
            assert_eq!(answer.status, status, "{role} {kind}: {answer:?}");
        }
    }
}

//! Submitted forms: what a lead carries, and what never leaves.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::event::{Event, Lead};

use crate::page::{Tracker, clean, events, fire, of_kind, pause, show, submit};

async fn submitted(html: &str) -> Event {
    clean();
    show(html);
    let _tracker = Tracker::start("full");
    pause(20).await;
    submit("form");
    fire("pagehide", false);
    let text = format!("{:?}", events());
    assert!(!text.contains("SECRET"), "typed and undeclared, and sent: {text}");
    of_kind("form_submit").pop().expect("the form")
}

async fn lead(html: &str) -> Lead {
    submitted(html).await.lead.expect("a lead")
}

#[wasm_bindgen_test]
async fn a_callback_is_a_phone() {
    let lead =
        lead(r#"<form data-traza-lead=callback><input name=field1 type=tel value=" 600 000 000 "></form>"#)
            .await;
    assert_eq!(lead, Lead { kind: "callback".into(), phone: Some("600 000 000".into()), ..Lead::default() });
}

#[wasm_bindgen_test]
async fn fields_are_found_by_autocomplete_type_name_and_label() {
    let by_autocomplete = lead(
        r#"<form data-traza-lead=form><input name=a autocomplete="section-x given-name" value=Ana>
           <input name=b autocomplete=family-name value=Ejemplo><input name=c autocomplete="home email" value=ana@example.com>
           <input name=d autocomplete=tel-national value=600000000></form>"#,
    )
    .await;
    let by_name = lead(
        r#"<form data-traza-lead=form><input name=nombre value=Ana><input name=apellidos value=Ejemplo>
           <input name=tu_correo value=ana@example.com><input name=tel_movil value=600000000></form>"#,
    )
    .await;
    let by_label = lead(
        r#"<form data-traza-lead=form><label>Full name <input name=f1 value="Ana Ejemplo"></label>
           <label for=x>E-mail</label><input id=x name=f2 value=ana@example.com>
           <input name=f3 placeholder="Teléfono móvil" value=600000000></form>"#,
    )
    .await;
    let expected = Lead {
        kind: "form".into(),
        name: Some("Ana Ejemplo".into()),
        email: Some("ana@example.com".into()),
        phone: Some("600000000".into()),
        ..Lead::default()
    };
    assert_eq!(by_autocomplete, expected);
    assert_eq!(by_name, expected);
    assert_eq!(by_label, expected);
}

#[wasm_bindgen_test]
async fn what_is_no_way_to_reach_somebody_stays() {
    let lead = lead(
        r#"<form data-traza-lead=form><input name=username value=SECRET1><input name=nombre_empresa value=SECRET2>
           <input name=hotel value=SECRET3><textarea name=mensaje>SECRET4</textarea>
           <select name=budget><option>SECRET5</option></select><input type=date name=born value=2001-01-01>
           <input type=email name=e value=ana@example.com><input type=email name=e2 value="SECRET6@example.com"></form>"#,
    )
    .await;
    assert_eq!(lead, Lead { kind: "form".into(), email: Some("ana@example.com".into()), ..Lead::default() });
}

#[wasm_bindgen_test]
async fn hidden_password_card_and_trap_fields_are_never_read() {
    // "city" and "card_number" are fields that the site allows.
    let lead = lead(
        r#"<form data-traza-lead=form><input type=hidden name=city value=SECRET1><input type=password name=email value=SECRET2>
           <input name=phone autocomplete=current-password value=SECRET3><input name=card_number value=SECRET4>
           <input name=name autocomplete=cc-name value=SECRET5><input name=email tabindex=-1 value=SECRET6@example.com>
           <div aria-hidden=true><input name=telefono value=SECRET7></div><input name=hp_phone value=SECRET8>
           <input type=file name=city><input name=phone value=600000000></form>"#,
    )
    .await;
    assert_eq!(lead, Lead { kind: "form".into(), phone: Some("600000000".into()), ..Lead::default() });
}

#[wasm_bindgen_test]
async fn allowed_fields_go_along_and_unticked_boxes_do_not() {
    let lead = lead(
        r#"<form data-traza-lead=form data-traza-magnet=guide><input name=phone value=600000000>
           <input type=radio name=city value=SECRET1><input type=radio name=city value=Madrid checked>
           <input type=checkbox name=other value=SECRET2></form>"#,
    )
    .await;
    assert_eq!(lead.magnet.as_deref(), Some("guide"));
    assert_eq!(lead.fields.into_iter().collect::<Vec<_>>(), [("city".to_owned(), "Madrid".to_owned())]);
}

#[wasm_bindgen_test]
async fn consent_is_what_the_boxes_say() {
    let named = lead(
        r#"<form data-traza-lead=form data-traza-text-version=v7><input name=phone value=600000000>
           <input type=checkbox name=acepto_privacidad checked></form>"#,
    )
    .await;
    let consent = named.consent.expect("asked");
    assert_eq!(consent.text_version.as_deref(), Some("v7"));
    assert_eq!(consent.purposes, ["contact"]);

    let declared = lead(
        r#"<form data-traza-lead=form><input name=phone value=600000000>
           <input type=checkbox name=x data-traza-consent="contact marketing" data-traza-text-version=v8 checked>
           <input type=checkbox name=y data-traza-consent=ads></form>"#,
    )
    .await;
    let consent = declared.consent.expect("asked");
    assert_eq!(consent.text_version.as_deref(), Some("v8"));
    assert_eq!(consent.purposes, ["contact", "marketing"]);

    let refused = lead(
        r#"<form data-traza-lead=form><input name=phone value=600000000><input type=checkbox name=privacy></form>"#,
    )
    .await;
    assert!(refused.consent.expect("asked").purposes.is_empty());
}

#[wasm_bindgen_test]
async fn an_ordinary_form_gives_its_name_alone() {
    let event = submitted(
        r#"<form id=search><input name=email type=email value="SECRET@example.com"><input name=q value=SECRET2></form>"#,
    )
    .await;
    assert_eq!((event.form.as_deref(), event.lead), (Some("search"), None));
}

#[wasm_bindgen_test]
async fn fields_named_like_the_forms_own_methods_do_no_harm() {
    let event = submitted(
        r#"<form name=contact data-traza-lead=form><input name=getAttribute><input name=elements><input name=name value=Ana>
           <input name=id><input name=submit><input name=hasAttribute><input name=phone value=600000000></form>"#,
    )
    .await;
    assert_eq!(event.form.as_deref(), Some("contact"));
    let lead = event.lead.expect("a lead");
    assert_eq!((lead.name.as_deref(), lead.phone.as_deref()), (Some("Ana"), Some("600000000")));
}

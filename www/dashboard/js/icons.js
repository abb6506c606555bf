// One stroke drawing per kind of thing, on a grid of 24.

const PHONE = "M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z";
const FORM = "M6 3h12v18H6zM9 8h6M9 12h6M9 16h3";
const MAIL = "M3 6h18v12H3zM3 7l9 7 9-7";
const CHAT = "M4 5h16v11H10l-5 4v-4H4z";
const EYE = "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z";
const CURSOR = "M5 4l6 16 2.5-6.5L20 11z";
const STAR = "M12 3l2.7 6 6.3.7-4.7 4.3 1.3 6.5L12 17.2 6.4 20.5 7.7 14 3 9.7 9.3 9z";
const COIN = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM15 9a4 4 0 1 0 0 6M7.5 11h5M7.5 13h5";
const WARN = "M12 4l9 16H3zM12 10v5M12 17.5v.5";

const ICONS = {
  page_view: EYE,
  page_leave: "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
  click: CURSOR,
  cta_view: EYE,
  cta_click: CURSOR,
  call_click: PHONE,
  chat_click: CHAT,
  email_click: MAIL,
  sms_click: CHAT,
  outbound_click: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  form_view: FORM,
  form_start: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  form_abandon: FORM,
  form_error: WARN,
  form_submit: "M3 11l18-8-7 18-3-8z",
  form_success: "M4 12l5 6L20 6",
  purchase: COIN,
  custom: STAR,
  identify: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-9 16-9 16 0",
  consent: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5",
  tracker_error: WARN,
  lead: STAR,
  stage: "M5 21V4M5 5h13l-3 4 3 4H5",
  attempt: PHONE,
  flag: WARN,
  patch: FORM,
  export: STAR,
  call: PHONE,
  call_summary: PHONE,
  message: CHAT,
  sale: COIN,
  email_sent: MAIL,
  email_bounced: MAIL,
  email_opened: MAIL,
  email_clicked: MAIL,
  newsletter_joined: MAIL,
  survey_response: FORM,
  webinar_attended: EYE,
};

const DOT = "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z";

/** The drawing of a kind; a dot for one that is not known. */
export const drawing = (kind) => (Object.hasOwn(ICONS, kind) ? ICONS[kind] : DOT);
export const hasDrawing = (kind) => Object.hasOwn(ICONS, kind);
export { PHONE, MAIL, WARN };
export const BACK = "M15 5l-7 7 7 7";
export const COPY = "M8 8h12v12H8zM16 8V4H4v12h4";

import Contact from "./form.jsx";

export const metadata = { title: "Contacto" };

export default function Page() {
  return <Contact />;
}

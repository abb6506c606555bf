import Link from "next/link";

export const metadata = { title: "Inicio" };

export default function Home() {
  return <Link id="go" href="/contacto">Contacto</Link>;
}

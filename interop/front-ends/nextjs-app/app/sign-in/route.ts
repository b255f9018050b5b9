export { GET } from "../../guide/app/sign-in/route";

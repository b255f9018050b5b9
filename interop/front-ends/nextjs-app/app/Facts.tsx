type Props = {
  user: { id: string; email: string; firstName?: string | null; lastName?: string | null };
  organizationId?: string;
  role?: string;
  sessionId?: string;
};

/** Who is signed in, in the same words for both servers. */
export function Facts({ user, organizationId, role, sessionId }: Props) {
  const facts = {
    "E-mail": user.email,
    User: user.id,
    Organization: organizationId,
    Role: role,
    Session: sessionId,
  };
  return (
    <>
      <p role="status">{[user.firstName, user.lastName].filter(Boolean).join(" ") || user.email}</p>
      <dl>
        {Object.entries(facts)
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}

// Generated from schemas/contracts/interceptor.avdl by "npm run generate": do not edit.
import type { Actor as CommonActor, ActorInput as CommonActorInput } from './common.ts';

export interface JudgeRequest {
  /** contract.operation: container.create. */
  readonly operation: string;
  readonly actor: CommonActor;
  /** The request as it will be executed, in Avro, and the fingerprint of its schema. */
  readonly request: Uint8Array;
  readonly schema: string;
  /** The object's id when it exists already. */
  readonly subject: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What encoding takes for a JudgeRequest: fields with a default may be left out. */
export interface JudgeRequestInput {
  readonly operation: string;
  readonly actor: CommonActorInput;
  readonly request: Uint8Array;
  readonly schema: string;
  readonly subject?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface JudgeResponse {
  readonly allow: boolean;
  /** Shown to the user when denied. */
  readonly reason: string;
}

/** What encoding takes for a JudgeResponse: fields with a default may be left out. */
export interface JudgeResponseInput {
  readonly allow: boolean;
  readonly reason?: string | undefined;
}

/** The operations of the contract interceptor. */
export interface Operations {
  /** May this happen? Asked with the request as it will be executed; no answer within two seconds denies. */
  readonly judge: { readonly input: JudgeRequestInput; readonly request: JudgeRequest; readonly response: JudgeResponse; readonly answer: JudgeResponseInput };
}

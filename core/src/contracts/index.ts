export { busGrant, KERNEL_SERVICES, kernelGrant } from './bus-grants.ts';
export {
  type Caller,
  type ContractCall,
  ContractCallee,
  type ContractCalleeOptions,
  type ContractHandler,
  methodHandler,
} from './contract-callee.ts';
export { ContractCaller, type ContractCallOptions } from './contract-caller.ts';
export { ErrorCodec } from './error-codec.ts';
export { Interception, type Judge } from './interception.ts';
export { checkedManifest, readManifest } from './manifest-file.ts';

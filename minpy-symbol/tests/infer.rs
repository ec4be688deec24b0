//! Shape inference: from data to parameters and back, and its complaints.

mod build;
use build::*;
use minpy_core::DType;
use minpy_symbol::{Known, Symbol};

fn shapes(s: &Symbol, known: &[Known]) -> Vec<Vec<usize>> {
    s.infer(known).unwrap().arguments.iter().map(|m| m.shape.to_vec()).collect()
}

#[test]
fn from_data_to_parameters() {
    let net = named("SoftmaxOutput", Some("softmax"), &[&conv_net()], &[]);
    let i = net.infer(&[Known::shape("data", &[8, 3, 10, 10])]).unwrap();
    let got: Vec<_> =
        net.list_arguments().into_iter().zip(i.arguments.iter().map(|m| m.shape.to_vec())).collect();
    assert_eq!(got[1], ("conv_weight".to_string(), vec![4, 3, 3, 3]));
    assert_eq!(got[2], ("conv_bias".to_string(), vec![4]));
    assert_eq!(got[3], ("fc_weight".to_string(), vec![3, 100]));
    assert_eq!(got[5], ("softmax_label".to_string(), vec![8]));
    assert_eq!(&*i.outputs[0].shape, [8, 3]);
    assert!(i.arguments.iter().chain(&i.outputs).all(|m| m.dtype == DType::F32));
    let i = net.infer(&[known("data", &[8, 3, 10, 10], DType::F64)]).unwrap();
    assert!(i.arguments.iter().chain(&i.outputs).all(|m| m.dtype == DType::F64));
}

#[test]
fn states_of_batch_norm() {
    let i = op("BatchNorm", &[&var("x")], &[]).infer(&[Known::shape("x", &[2, 5, 4, 4])]).unwrap();
    assert!(i.auxiliary.iter().all(|m| *m.shape == [5]) && i.auxiliary.len() == 2);
}

#[test]
fn backwards_through_a_sum() {
    // The first hidden state of a recurrent network gets its shape from what it is added to.
    let fc =
        |x: &Symbol, name: &str| named("FullyConnected", Some(name), &[x], &[("num_hidden", 7i64.into())]);
    let sum = &fc(&var("x"), "i") + &op("Activation", &[&var("h0")], &[("act_type", "tanh".into())]);
    assert_eq!(shapes(&sum, &[Known::shape("x", &[4, 3])])[3], [4, 7]);
    // And through the layer in front of it, when its weight is known.
    let sum = &fc(&var("x"), "i") + &fc(&var("h0"), "h");
    let s = shapes(&sum, &[Known::shape("x", &[4, 3]), Known::shape("h_weight", &[7, 5])]);
    assert_eq!(s[3], [4, 5]);
}

#[test]
fn variables_may_carry_their_shape() {
    let x = Symbol::variable_with("x", Some(&[2, 3]), Some(DType::F64));
    let i = (&x * 2.0).infer(&[]).unwrap();
    assert_eq!((i.outputs[0].shape.to_vec(), i.outputs[0].dtype), (vec![2, 3], DType::F64));
}

#[test]
fn complaints_name_what_is_wrong() {
    let net = conv_net();
    let fail = |known: &[Known]| net.infer(known).unwrap_err().to_string();
    assert!(fail(&[]).contains("conv_weight") && fail(&[]).contains("data"));
    assert!(fail(&[Known::shape("dat", &[1])]).contains("no argument 'dat'"));
    let e = fail(&[Known::shape("data", &[8, 3, 10])]);
    assert!(e.contains("Convolution 'conv'") && e.contains("(8,3,10)"), "{e}");
    let e = fail(&[Known::shape("data", &[8, 3, 10, 10]), Known::shape("conv_weight", &[4, 2, 3, 3])]);
    assert!(e.contains("weight has shape (4,2,3,3), but (4,3,3,3) is needed"), "{e}");
    let e = fail(&[Known::shape("data", &[8, 3, 0, 10])]);
    assert!(e.contains("Pooling") || e.contains("Convolution"), "{e}");
    let sum = &var("a") + &var("b");
    let e = sum.infer(&[Known::shape("a", &[2, 3]), Known::shape("b", &[4])]).unwrap_err();
    assert!(
        e.message().contains("(2,3)") && e.message().contains("(4,)") && e.message().contains("add"),
        "{e}"
    );
    let huge =
        op("Reshape", &[&var("x")], &[("shape", [i32::MAX as i64, i32::MAX as i64, i32::MAX as i64].into())]);
    assert!(huge.infer(&[Known::shape("x", &[2])]).is_err());
    let twice = &var("x") + &var("x");
    assert!(
        twice.infer(&[Known::shape("x", &[2])]).unwrap_err().message().contains("two different variables")
    );
    let dilated = op(
        "Convolution",
        &[&var("x")],
        &[("kernel", [3, 3].into()), ("num_filter", 1i64.into()), ("dilate", [2, 2].into())],
    );
    assert!(dilated.infer(&[Known::shape("x", &[1, 1, 9, 9])]).is_err());
}
